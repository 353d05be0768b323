{{/*
Students' pods, as a peer of a NetworkPolicy.
*/}}
{{- define "lumihub.students" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Values.kubernetes.usersNamespace }}
podSelector:
  matchLabels:
    app.kubernetes.io/component: singleuser-server
{{- end }}

{{/*
A part of the platform, as a peer of a NetworkPolicy in the students' namespace.
Takes (list $ COMPONENT).
*/}}
{{- define "lumihub.platform" -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ (index . 0).Release.Namespace }}
podSelector:
  matchLabels:
    {{- include "lumihub.selectorLabels" . | nindent 4 }}
{{- end }}

{{/*
Egress to the cluster's DNS: in kube-system, or on the node itself (NodeLocal DNSCache, GKE's metadata server).
*/}}
{{- define "lumihub.dns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
    - ipBlock:
        cidr: 169.254.20.10/32
    - ipBlock:
        cidr: 169.254.169.254/32
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{/*
Every address but some IPv4 networks. Of IPv6, where clusters use it, link-local ones are left out always.
Takes a list of networks.
*/}}
{{- define "lumihub.anywhere" -}}
{{- $six := list "fe80::/10" }}{{ $four := list }}
{{- range . }}
{{- if contains ":" . }}{{ $six = append $six . }}{{ else }}{{ $four = append $four . }}{{ end }}
{{- end }}
- ipBlock:
    cidr: 0.0.0.0/0
    except:
      {{- range $four | uniq }}
      - {{ . }}
      {{- end }}
- ipBlock:
    cidr: ::/0
    except:
      {{- range $six | uniq }}
      - {{ . }}
      {{- end }}
{{- end }}
