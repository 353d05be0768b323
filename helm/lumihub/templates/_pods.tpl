{{/*
The reference of an image: what deploy.py found, with its digest, or else by registry and tag.
Takes (list $ NAME).
*/}}
{{- define "lumihub.image" -}}
{{- $root := index . 0 }}{{ $name := index . 1 -}}
{{- get (($root.Values.deployment).images | default dict) $name | default (printf "%s/%s:%s" $root.Values.images.registry $name ($root.Values.images.tag | default $root.Chart.AppVersion)) -}}
{{- end }}

{{/*
What Pod Security `restricted` asks of a pod.
*/}}
{{- define "lumihub.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/*
What it asks of a container.
*/}}
{{- define "lumihub.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/*
The secrets that pull the images.
*/}}
{{- define "lumihub.imagePullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
Requests and limits of a container, where there are any.
*/}}
{{- define "lumihub.resources" -}}
{{- $given := dict }}
{{- range $kind := list "requests" "limits" }}
{{- with get $ $kind }}{{ $_ := set $given $kind . }}{{ end }}
{{- end }}
{{- with $given }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Which nodes a pod may run on; the label and the taint are zero-to-jupyterhub's.
Takes (dict "nodeSelector" X "tolerations" Y "purpose" "core" "match" "prefer").
*/}}
{{- define "lumihub.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
tolerations:
  - key: hub.jupyter.org/dedicated
    operator: Equal
    value: {{ .purpose }}
    effect: NoSchedule
  {{- with .tolerations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- if eq .match "prefer" }}
affinity:
  nodeAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        preference:
          {{- include "lumihub.nodePurpose" .purpose | nindent 10 }}
{{- else if eq .match "require" }}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        -
          {{- include "lumihub.nodePurpose" .purpose | nindent 10 }}
{{- end }}
{{- end }}

{{- define "lumihub.nodePurpose" -}}
matchExpressions:
  - key: hub.jupyter.org/node-purpose
    operator: In
    values: [{{ . }}]
{{- end }}

{{/*
A container that sleeps in an image until it is told to end.
*/}}
{{- define "lumihub.sleep" -}}
args: [python, -c, import signal; signal.pause()]
{{- end }}
