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
The networks that belong to nobody in public: clusters and campuses are in them. As JSON.
*/}}
{{- define "lumihub.privateNetworks" -}}
["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]
{{- end }}

{{/*
Egress to the cluster's DNS: in kube-system, on a node's own address, or behind a link-local one (NodeLocal DNSCache,
GKE's metadata server). To port 53 alone.
*/}}
{{- define "lumihub.dns" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
    {{- range concat (include "lumihub.privateNetworks" . | fromJsonArray) (list "169.254.20.10/32" "169.254.169.254/32") }}
    - ipBlock:
        cidr: {{ . }}
    {{- end }}
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

{{/*
The public internet, without what of it belongs to the cluster itself.
*/}}
{{- define "lumihub.publicInternet" -}}
{{- $protected := (.Values.deployment).protectedNetworks | default list -}}
{{- include "lumihub.anywhere" (concat (include "lumihub.privateNetworks" . | fromJsonArray) (list "169.254.0.0/16") $protected) -}}
{{- end }}

{{/*
Egress to the cluster's API, whose addresses are nobody's to know here.
*/}}
{{- define "lumihub.clusterApi" -}}
- to:
    {{- include "lumihub.anywhere" (list "169.254.0.0/16") | nindent 4 }}
  ports:
    {{- range concat (list 443 6443) ((.Values.deployment).apiPorts | default list) | uniq }}
    - port: {{ . }}
    {{- end }}
{{- end }}
