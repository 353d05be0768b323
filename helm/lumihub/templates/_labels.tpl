{{/*
What selects the pods of a release.
*/}}
{{- define "lumihub.instanceLabels" -}}
app.kubernetes.io/name: lumihub
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/*
What selects the pods of a part, and nothing that ever changes.
Takes (list $ COMPONENT).
*/}}
{{- define "lumihub.selectorLabels" -}}
{{ include "lumihub.instanceLabels" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/*
Labels of an object. Not of pods: they would restart with each version of the chart.
Takes (list $ COMPONENT).
*/}}
{{- define "lumihub.labels" -}}
{{ include "lumihub.selectorLabels" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
The head of an object: name, namespace, labels.
Takes (list $ COMPONENT NAME).
*/}}
{{- define "lumihub.metadata" -}}
name: {{ index . 2 }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "lumihub.labels" (list (index . 0) (index . 1)) | nindent 2 }}
{{- end }}

{{/*
The namespaces of pods beside the release's own, as JSON.
*/}}
{{- define "lumihub.otherNamespaces" -}}
{{- $found := list -}}
{{- if .Values.hub.enabled -}}
{{- $found = append $found .Values.kubernetes.usersNamespace -}}
{{- end -}}
{{- if include "lumihub.gatewayEnabled" . -}}
{{- $found = concat $found (include "lumihub.cohortNamespaces" . | fromJsonArray) -}}
{{- end -}}
{{- if include "lumihub.dataEnabled" . -}}
{{- $found = append $found (include "lumihub.daskNamespace" (list . "data")) -}}
{{- end -}}
{{- if include "lumihub.demoEnabled" . -}}
{{- $found = append $found (include "lumihub.daskNamespace" (list . "demo")) -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/*
The same, in the namespace of the students.
*/}}
{{- define "lumihub.usersMetadata" -}}
name: {{ index . 2 }}
namespace: {{ (index . 0).Values.kubernetes.usersNamespace }}
labels:
  {{- include "lumihub.labels" (list (index . 0) (index . 1)) | nindent 2 }}
{{- end }}
