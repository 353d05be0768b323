{{/*
Whether students may have Dask clusters in pods of their own. Empty for no.
*/}}
{{- define "lumihub.gatewayEnabled" -}}
{{- if and .Values.hub.enabled .Values.dask.enabled .Values.dask.gateway.enabled -}}
true
{{- end }}
{{- end }}

{{/*
The namespaces of the cohorts' clusters, as JSON.
*/}}
{{- define "lumihub.cohortNamespaces" -}}
{{- $found := list -}}
{{- range .Values.dask.gateway.cohorts }}{{ $found = append $found (printf "%s-dask-%s" $.Release.Namespace .) }}{{ end -}}
{{- toJson $found -}}
{{- end }}

{{/*
The head of an object in a cohort's namespace.
Takes (list $ NAMESPACE NAME).
*/}}
{{- define "lumihub.cohortMetadata" -}}
name: {{ index . 2 }}
namespace: {{ index . 1 }}
labels:
  {{- include "lumihub.labels" (list (index . 0) "gateway") | nindent 2 }}
{{- end }}

{{/*
Pods of Dask clusters, as a peer of a NetworkPolicy.
Takes (list $ COMPONENT...).
*/}}
{{- define "lumihub.daskPods" -}}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values: {{ include "lumihub.cohortNamespaces" (index . 0) }}
podSelector:
  matchExpressions:
    - key: app.kubernetes.io/component
      operator: In
      values: {{ rest . | toJson }}
{{- end }}

{{/*
What the gateway reads, as JSON.
*/}}
{{- define "lumihub.gatewayConfiguration" -}}
{{- $dask := .Values.dask -}}
{{- $gateway := $dask.gateway -}}
{{- $cohorts := list -}}
{{- range $gateway.cohorts }}{{ $cohorts = append $cohorts (dict "name" . "namespace" (printf "%s-dask-%s" $.Release.Namespace .)) }}{{ end -}}
{{- $base := dig "JupyterHub" "base_url" "" .Values.hub.config | trimAll "/" -}}
{{- $placement := include "lumihub.placement" (dict "nodeSelector" .Values.singleuser.nodeSelector "tolerations" .Values.singleuser.extraTolerations "purpose" "user" "match" .Values.scheduling.userPods.nodeAffinity.matchNodePurpose) | fromYaml -}}
{{- $read := dict "instance" .Release.Namespace "usersNamespace" .Values.kubernetes.usersNamespace "cohorts" $cohorts -}}
{{- $_ := set $read "hubApi" (printf "http://hub:8081/%shub/api" (empty $base | ternary "" (printf "%s/" $base))) -}}
{{- $_ := set $read "apiUrl" (printf "http://gateway.%s.svc:8000/api" .Release.Namespace) -}}
{{- $_ := set $read "image" (include "lumihub.image" (list . "lab")) -}}
{{- $_ := set $read "pullPolicy" .Values.images.pullPolicy -}}
{{- $_ := set $read "pullSecrets" .Values.images.pullSecrets -}}
{{- $_ := set $read "clustersPerStudent" $gateway.clustersPerStudent -}}
{{- $_ := set $read "cohort" $gateway.cohort -}}
{{- $_ := set $read "maxWorkers" $dask.maxWorkers -}}
{{- $_ := set $read "idleTimeout" $gateway.idleTimeout -}}
{{- $_ := set $read "maxAge" $gateway.maxAge -}}
{{- range $kind := list "worker" "scheduler" }}
{{- $size := get $gateway $kind -}}
{{- $memory := dict "limit" (include "lumihub.bytes" $size.memory.limit | int64) "guarantee" (include "lumihub.bytes" $size.memory.guarantee | int64) -}}
{{- $_ := set $read $kind (dict "memory" $memory "cpu" $size.cpu) -}}
{{- end }}
{{- $_ := set $read "placement" $placement -}}
{{- $_ := set $read "networkPolicy" .Values.networkPolicy.enabled -}}
{{- toJson $read -}}
{{- end }}
