{{/*
Whether a class may have a demonstration cluster. Empty for no.
*/}}
{{- define "lumihub.demoEnabled" -}}
{{- if and .Values.hub.enabled (include "lumihub.dataEnabled" .) .Values.dask.demo.enabled -}}
true
{{- end }}
{{- end }}

{{/*
Its scheduler, as a peer of a NetworkPolicy.
*/}}
{{- define "lumihub.demoScheduler" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ include "lumihub.daskNamespace" (list . "demo") }}
podSelector:
  matchLabels:
    dask.org/component: scheduler
{{- end }}

{{/*
What scheduler and workers have in common: an instructor's code runs in them, so they are as students' pods are.
*/}}
{{- define "lumihub.demoPod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 5
securityContext:
  {{- include "lumihub.podSecurityContext" . | nindent 2 }}
{{- include "lumihub.imagePullSecrets" . }}
{{ include "lumihub.placement" (dict "nodeSelector" .Values.singleuser.nodeSelector "tolerations" .Values.singleuser.extraTolerations "purpose" "user" "match" .Values.scheduling.userPods.nodeAffinity.matchNodePurpose) }}
volumes:
  - {name: tmp, emptyDir: {sizeLimit: 1Gi}}
{{- end }}

{{/*
What their containers have in common.
Takes (list $ RESOURCES).
*/}}
{{- define "lumihub.demoContainer" -}}
image: {{ include "lumihub.image" (list (index . 0) "lab") }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
{{- include "lumihub.resources" (index . 1) }}
securityContext:
  {{- include "lumihub.containerSecurityContext" (index . 0) | nindent 2 }}
workingDir: /tmp
volumeMounts:
  - {name: tmp, mountPath: /tmp}
{{- end }}

{{/*
The cluster, for Dask's operator. Its number of workers is the order's.
*/}}
{{- define "lumihub.demoCluster" -}}
apiVersion: kubernetes.dask.org/v1
kind: DaskCluster
metadata:
  name: demo
  labels:
    {{- include "lumihub.instanceLabels" . | nindent 4 }}
spec:
  scheduler:
    spec:
      {{- include "lumihub.demoPod" . | nindent 6 }}
      containers:
        - name: scheduler
          {{- include "lumihub.demoContainer" (list . .Values.dask.demo.scheduler) | nindent 10 }}
          args: [dask, scheduler, --host, 0.0.0.0]
          env:
            - {name: HOME, value: /tmp}
            # The whole class may look. What would pass requests on to other addresses is left out of what it serves.
            - name: DASK_DISTRIBUTED__SCHEDULER__HTTP__ROUTES
              value: '["distributed.http.scheduler.info", "distributed.http.scheduler.json", "distributed.http.health", "distributed.http.statics"]'
          ports:
            - {name: tcp-comm, containerPort: 8786}
            - {name: http-dashboard, containerPort: 8787}
          readinessProbe:
            tcpSocket: {port: tcp-comm}
            periodSeconds: 1
    service:
      {{- include "lumihub.daskService" "demo" | nindent 6 }}
  worker:
    replicas: 1
    spec:
      {{- include "lumihub.demoPod" . | nindent 6 }}
      containers:
        - name: worker
          {{- include "lumihub.demoContainer" (list . .Values.dask.demo.worker) | nindent 10 }}
          args: [dask, worker, --no-dashboard, --nthreads, "1", --worker-port, "8788", --memory-limit, $(MEMORY_LIMIT), --name, $(DASK_WORKER_NAME)]
          ports:
            - {name: worker, containerPort: 8788}
          # It listens when it is about to join the scheduler.
          readinessProbe:
            tcpSocket: {port: worker}
            periodSeconds: 1
          env:
            # Dask would take the share of its threads in all of the node's.
            - name: MEMORY_LIMIT
              valueFrom:
                resourceFieldRef: {resource: limits.memory}
            - {name: HOME, value: /tmp}
            - {name: DASK_TEMPORARY_DIRECTORY, value: /tmp}
            # A worker's log names each part of an analysis that it did.
            - {name: DASK_LOGGING__LUMIHUB, value: info}
{{- end }}
