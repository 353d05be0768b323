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
The networks that belong to nobody in public: clusters and campuses are in them. Some clouds give their nodes and pods
those of the second line too, whatever the book says they are for. As JSON.
*/}}
{{- define "lumihub.privateNetworks" -}}
["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"]
{{- end }}

{{/*
Where clouds answer questions about a node, and give its rights to whoever asks: link-local, and what AWS and Google
(IPv6) and Azure (a public address) have beside that. As JSON.
*/}}
{{- define "lumihub.metadataNetworks" -}}
["169.254.0.0/16", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128"]
{{- end }}

{{/*
The private networks, as peers of a NetworkPolicy.
*/}}
{{- define "lumihub.privatePeers" -}}
{{- range include "lumihub.privateNetworks" . | fromJsonArray }}
- ipBlock:
    cidr: {{ . }}
    {{- if eq . "fc00::/7" }}
    except:
      {{- range include "lumihub.metadataNetworks" $ | fromJsonArray }}
      {{- if hasPrefix "fd" . }}
      - {{ . }}
      {{- end }}
      {{- end }}
    {{- end }}
{{- end }}
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
{{- include "lumihub.anywhere" (concat (include "lumihub.privateNetworks" . | fromJsonArray) (include "lumihub.metadataNetworks" . | fromJsonArray) $protected) -}}
{{- end }}

{{/*
Every address but those where clouds answer questions about a node.
*/}}
{{- define "lumihub.allButMetadata" -}}
{{- include "lumihub.anywhere" (include "lumihub.metadataNetworks" . | fromJsonArray) }}
{{- end }}

{{/*
Egress to the cluster's API, whose addresses are nobody's to know here.
Takes (list $ PORT...): ports beside the API's own, of what else is of that kind.
*/}}
{{- define "lumihub.clusterApi" -}}
{{- $root := index . 0 -}}
- to:
    {{- include "lumihub.allButMetadata" $root | nindent 4 }}
  ports:
    {{- range concat (list 443 6443) (($root.Values.deployment).apiPorts | default list) (rest .) | uniq }}
    - port: {{ . }}
    {{- end }}
{{- end }}

{{/*
The port of a PostgreSQL database, where there is one, as JSON: what stands in its address, or else the usual one.
*/}}
{{- define "lumihub.databasePorts" -}}
{{- $ports := list -}}
{{- if eq .Values.hub.db.type "postgres" -}}
{{- $end := regexFind ":[0-9]+(/[^/?]*([?].*)?)?$" (.Values.hub.db.url | default "") -}}
{{- $ports = list (regexFind "[0-9]+" $end | default "5432" | int) -}}
{{- end -}}
{{- toJson $ports -}}
{{- end }}
