{{/*
The operator's rights, in its namespace alone. It makes pods, so whatever lies there is its to read: the hub's secrets
do not.
Takes (list $ PART).
*/}}
{{- define "lumihub.daskAccount" -}}
{{- $head := append . (printf "%s-work" (index . 1)) -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "lumihub.daskMetadata" $head | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- include "lumihub.daskMetadata" $head | nindent 2 }}
rules:
  - apiGroups: [kubernetes.dask.org]
    resources: [daskclusters, daskworkergroups, daskworkergroups/scale]
    verbs: [get, list, watch, create, patch, delete]
  - apiGroups: [kubernetes.dask.org]
    resources: [daskjobs, daskautoscalers]
    verbs: [list, watch]
  - apiGroups: [apps]
    resources: [deployments]
    verbs: [get, list, create, patch, delete]
  - apiGroups: [""]
    resources: [services]
    verbs: [get, list, watch, create, patch]
  - apiGroups: [""]
    resources: [pods]
    verbs: [list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- include "lumihub.daskMetadata" $head | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ index $head 2 }}
subjects:
  - kind: ServiceAccount
    name: {{ index $head 2 }}
    namespace: {{ include "lumihub.daskNamespace" . }}
{{- end }}

{{/*
What leads it: suspended for ever, for it is what deploy.py makes a Job of. So nothing of Dask runs while there is
nothing to do.
Takes (list $ PART MODULE): the Python module that asks for the cluster and lets it go again.
*/}}
{{- define "lumihub.daskWork" -}}
{{- $root := index . 0 }}{{ $part := index . 1 }}{{ $name := printf "%s-work" $part -}}
apiVersion: batch/v1
kind: CronJob
metadata:
  {{- include "lumihub.daskMetadata" (list $root $part $name) | nindent 2 }}
spec:
  schedule: "0 2 * * *"
  suspend: true
  jobTemplate:
    spec:
      # A pod that was lost is followed by another one, which goes on.
      backoffLimit: 10
      ttlSecondsAfterFinished: 86400
      podFailurePolicy:
        rules:
          - action: Ignore
            onPodConditions:
              - type: DisruptionTarget
                status: "True"
      template:
        metadata:
          labels:
            {{- include "lumihub.selectorLabels" (list $root $name) | nindent 12 }}
        spec:
          restartPolicy: Never
          serviceAccountName: {{ $name }}
          automountServiceAccountToken: true
          terminationGracePeriodSeconds: 5
          {{- include "lumihub.dataPod" $root | nindent 10 }}
          initContainers:
            # Beside the work, for as long as it lasts.
            - name: operator
              restartPolicy: Always
              {{- include "lumihub.dataContainer" (list $root $root.Values.dask.platform.operator) | nindent 14 }}
              args: [kopf, run, -m, dask_kubernetes.operator.controller, -m, lumihub.datawork.operator, --namespace={{ include "lumihub.daskNamespace" . }}, "--liveness=http://0.0.0.0:8080/healthz", --quiet]
              env:
                - name: DASK_KUBERNETES__CONTROLLER__EVENTS__ENABLED
                  value: "false"
              livenessProbe:
                httpGet: {path: /healthz, port: 8080}
                periodSeconds: 20
                timeoutSeconds: 5
              volumeMounts:
                - {name: tmp, mountPath: /tmp}
          containers:
            - name: work
              {{- include "lumihub.dataContainer" (list $root $root.Values.dask.platform.operator) | nindent 14 }}
              args: [python, -m, {{ index . 2 }}]
              env:
                - name: LUMIHUB_NAMESPACE
                  value: {{ include "lumihub.daskNamespace" . }}
              volumeMounts:
                - {name: order, mountPath: /etc/lumihub}
                - {name: tmp, mountPath: /tmp}
          volumes:
            - name: order
              configMap: {name: {{ $part }}-order}
            - {name: tmp, emptyDir: {}}
{{- end }}

{{/*
The service of a scheduler that the operator makes.
Takes the name of its cluster.
*/}}
{{- define "lumihub.daskService" -}}
type: ClusterIP
selector:
  dask.org/cluster-name: {{ . }}
  dask.org/component: scheduler
ports:
  - {name: tcp-comm, port: 8786, targetPort: tcp-comm}
  - {name: http-dashboard, port: 8787, targetPort: http-dashboard}
{{- end }}
