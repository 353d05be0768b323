{{/*
The caches, as their objects are called, as JSON.
*/}}
{{- define "lumihub.cacheNames" -}}
{{- $names := list "cache" -}}
{{- range untilStep 1 (int .Values.cache.replicas) 1 -}}
{{- $names = append $names (printf "cache-%d" .) -}}
{{- end -}}
{{- toJson $names -}}
{{- end }}

{{/*
The pods of the caches, as a selector.
*/}}
{{- define "lumihub.cachePods" -}}
{{- if eq (int .Values.cache.replicas) 1 -}}
matchLabels:
  {{- include "lumihub.selectorLabels" (list . "cache") | nindent 2 }}
{{- else -}}
matchLabels:
  {{- include "lumihub.instanceLabels" . | nindent 2 }}
matchExpressions:
  - key: app.kubernetes.io/component
    operator: In
    values: {{ include "lumihub.cacheNames" . }}
{{- end }}
{{- end }}

{{/*
The caches, as a peer of a NetworkPolicy.
*/}}
{{- define "lumihub.caches" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Release.Namespace }}
podSelector:
  {{- include "lumihub.cachePods" . | nindent 2 }}
{{- end }}

{{/*
Egress of workers that run people's code: to the cache; without one they read from the origin, where students may.
*/}}
{{- define "lumihub.waysToData" -}}
{{- if include "lumihub.cacheEnabled" . }}
- to:
    - {{- include "lumihub.caches" . | nindent 6 }}
  ports:
    - port: 1094
{{- else if .Values.singleuser.networkPolicy.egressAllowRules.nonPrivateIPs }}
- to:
    {{- include "lumihub.publicInternet" . | nindent 4 }}
{{- end }}
{{- end }}
