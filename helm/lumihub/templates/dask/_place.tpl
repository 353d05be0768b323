{{/*
The namespace of one use of the platform's own Dask.
Takes (list $ PART): data or demo.
*/}}
{{- define "lumihub.daskNamespace" -}}
{{ printf "%s-%s" (index . 0).Release.Namespace (index . 1) }}
{{- end }}

{{/*
The head of an object in it.
Takes (list $ PART NAME).
*/}}
{{- define "lumihub.daskMetadata" -}}
name: {{ index . 2 }}
namespace: {{ include "lumihub.daskNamespace" . }}
labels:
  {{- include "lumihub.labels" . | nindent 2 }}
{{- end }}

{{/*
Its pods that bring or read data, as a peer of the cache's NetworkPolicy.
Takes (list $ PART).
*/}}
{{- define "lumihub.daskWorkers" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ include "lumihub.daskNamespace" . }}
podSelector:
  matchLabels:
    dask.org/component: worker
{{- end }}

{{/*
Its namespace. Dask's operator marks its objects, and without an operator they would hold the namespace for ever; so it
stays whatever happens to the release.
Takes (list $ PART).
*/}}
{{- define "lumihub.daskSpace" -}}
apiVersion: v1
kind: Namespace
metadata:
  name: {{ include "lumihub.daskNamespace" . }}
  labels:
    {{- include "lumihub.labels" . | nindent 4 }}
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
  annotations:
    helm.sh/resource-policy: keep
{{- end }}
