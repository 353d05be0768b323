{{/*
The Secret with the certificate that the proxy itself serves, as a volume names it. Empty for http://.
*/}}
{{- define "lumihub.proxyTls" -}}
{{- with .Values.proxy.https }}
{{- if and .enabled (ne .type "offload") -}}
{{- if eq .type "secret" -}}
secretName: {{ .secret.name }}
items:
  - key: {{ .secret.key }}
    path: tls.key
  - key: {{ .secret.crt }}
    path: tls.crt
{{- else -}}
secretName: proxy-tls
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/*
How kubelet asks the proxy whether it lives: itself, not the hub behind it.
*/}}
{{- define "lumihub.proxyProbe" -}}
httpGet:
  path: /_chp_healthz
  {{- if include "lumihub.proxyTls" . }}
  port: https
  scheme: HTTPS
  {{- else }}
  port: http
  {{- end }}
{{- end }}
