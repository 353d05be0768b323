{{/*
Whether the platform's own Dask is there to be used. Empty for no.
*/}}
{{- define "lumihub.dataEnabled" -}}
{{- if and .Values.dask.enabled .Values.dask.platform.enabled -}}
true
{{- end }}
{{- end }}

{{/*
Whether the cache is filled at night. Empty for no.
*/}}
{{- define "lumihub.nightlyEnabled" -}}
{{- if or .Values.data.nightly.collections .Values.data.nightly.analyses -}}
true
{{- end }}
{{- end }}

{{/*
What every pod has that runs nobody's code but ours for the platform's own Dask.
*/}}
{{- define "lumihub.dataPod" -}}
enableServiceLinks: false
securityContext:
  {{- include "lumihub.podSecurityContext" . | nindent 2 }}
{{- include "lumihub.imagePullSecrets" . }}
{{ include "lumihub.placement" (dict "nodeSelector" .Values.hub.nodeSelector "tolerations" .Values.hub.tolerations "purpose" "core" "match" .Values.scheduling.corePods.nodeAffinity.matchNodePurpose) }}
{{- end }}

{{/*
What every container of it has.
Takes (list $ RESOURCES).
*/}}
{{- define "lumihub.dataContainer" -}}
image: {{ include "lumihub.image" (list (index . 0) "data") }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
{{- include "lumihub.resources" (index . 1) }}
securityContext:
  {{- include "lumihub.containerSecurityContext" (index . 0) | nindent 2 }}
{{- end }}

{{/*
The Dask cluster that a work brings up, for the operator. Its own defaults start programs that Dask no longer has, and
would be refused by Pod Security.
*/}}
{{- define "lumihub.dataCluster" -}}
{{- $platform := .Values.dask.platform -}}
apiVersion: kubernetes.dask.org/v1
kind: DaskCluster
metadata:
  name: data
  labels:
    app.kubernetes.io/name: lumihub
    app.kubernetes.io/instance: {{ .Release.Name }}
spec:
  scheduler:
    spec:
      automountServiceAccountToken: false
      {{- include "lumihub.dataPod" . | nindent 6 }}
      containers:
        - name: scheduler
          {{- include "lumihub.dataContainer" (list . $platform.scheduler) | nindent 10 }}
          args: [dask, scheduler, --host, 0.0.0.0, --no-show]
          env:
            # A worker may be lost, with what it works on, more often than Dask expects: nodes are drained at night.
            - name: DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES
              value: "10"
          ports:
            - {name: tcp-comm, containerPort: 8786}
            - {name: http-dashboard, containerPort: 8787}
          readinessProbe:
            tcpSocket: {port: tcp-comm}
            periodSeconds: 1
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - {name: tmp, emptyDir: {}}
    service:
      {{- include "lumihub.daskService" "data" | nindent 6 }}
  worker:
    replicas: {{ $platform.workers }}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 5
      {{- include "lumihub.dataPod" . | nindent 6 }}
      containers:
        - name: worker
          {{- include "lumihub.dataContainer" (list . $platform.worker) | nindent 10 }}
          # Kubernetes starts what ends again, as a nanny would.
          args: [dask, worker, --no-nanny, --no-dashboard, --nthreads, {{ $platform.streams | quote }}, --memory-limit, "0", --local-directory, /tmp, --name, $(DASK_WORKER_NAME)]
          env:
            - name: DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT
              value: 10s
            {{- with .Values.data.caBundle }}
            - name: LUMIHUB_CA
              value: {{ . | quote }}
            {{- end }}
          envFrom:
            # Keys of the storage that files are copied to, where there is one.
            - secretRef: {name: s3, optional: true}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
      volumes:
        - {name: tmp, emptyDir: {}}
{{- end }}
