{{/*
Who reaches whom in its namespace: nobody, but its pods one another and the names of the cluster, and what leads it the
cluster's API.
Takes (list $ PART).
*/}}
{{- define "lumihub.daskWalls" -}}
{{- $root := index . 0 }}{{ $work := printf "%s-work" (index . 1) -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "lumihub.daskMetadata" (append . "default-deny") | nindent 2 }}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "lumihub.daskMetadata" (append . (index . 1)) | nindent 2 }}
spec:
  podSelector: {}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - podSelector: {}
  egress:
    - to:
        - podSelector: {}
    {{- include "lumihub.dns" $root | nindent 4 }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "lumihub.daskMetadata" (append . $work) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "lumihub.selectorLabels" (list $root $work) | nindent 6 }}
  policyTypes: [Egress]
  egress:
    {{- include "lumihub.clusterApi" (list $root) | nindent 4 }}
{{- end }}
