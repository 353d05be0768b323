{{/*
An amount of ours (10G, by powers of 1024) as Kubernetes writes it.
*/}}
{{- define "lumihub.quantity" -}}
{{ printf "%si" . }}
{{- end }}

{{/*
An amount of ours in bytes.
*/}}
{{- define "lumihub.bytes" -}}
{{- $units := dict "K" 1024 "M" 1048576 "G" 1073741824 "T" 1099511627776 -}}
{{- $number := regexReplaceAll "[KMGT]$" . "" -}}
{{- mulf (float64 $number) (get $units (trimPrefix $number .)) | int64 -}}
{{- end }}

{{/*
Whether there is a data cache: it is switched on, and students read through it. Empty for no.
*/}}
{{- define "lumihub.cacheEnabled" -}}
{{- if and .Values.cache.enabled (eq .Values.data.mode "cache") (regexMatch "^(root|https?)://" .Values.data.origin.url) -}}
true
{{- end }}
{{- end }}

{{/*
The Secret that holds what a login provider gave, by a name of the institution's. Empty where there is none.
*/}}
{{- define "lumihub.loginSecret" -}}
{{- (get .Values.auth .Values.auth.type | default dict).existingSecret | default "" -}}
{{- end }}

{{/*
What the hub reads of the values, as JSON. Only what it needs: whatever else changes must not restart it.
*/}}
{{- define "lumihub.hubValues" -}}
{{- $values := pick .Values "auth" "cull" "lessons" -}}
{{- $_ := set $values "data" (omit .Values.data "nightly" "caBundle") -}}
{{- $dask := pick .Values.dask "enabled" "maxWorkers" -}}
{{- range $part := list "gateway" "platform" "demo" }}{{ $_ := set $dask $part (pick (get $.Values.dask $part) "enabled") }}{{ end -}}
{{- $_ := set $values "dask" $dask -}}
{{- $_ := set $values "singleuser" (omit .Values.singleuser "networkPolicy") -}}
{{- $_ := set $values "scheduling" (pick .Values.scheduling "podPriority" "userPods") -}}
{{- $hub := pick .Values.hub "config" "concurrentSpawnLimit" "activeServerLimit" -}}
{{- $_ := set $hub "db" (pick .Values.hub.db "type" "url" "existingSecret") -}}
{{- $_ := set $values "hub" $hub -}}
{{- $kubernetes := dict "context" (.Values.kubernetes.context | default "in-cluster") "namespace" .Release.Namespace "usersNamespace" .Values.kubernetes.usersNamespace "release" .Release.Name -}}
{{- $_ := set $values "kubernetes" $kubernetes -}}
{{- $_ := set $values "images" (pick .Values.images "registry" "pullPolicy" "pullSecrets") -}}
{{- $_ := set $values "cache" (dict "enabled" (eq (include "lumihub.cacheEnabled" .) "true") "replicas" .Values.cache.replicas) -}}
{{- /* The manifest itself lies in a ConfigMap; its sum says that there is one, and changes with it. Lessons lie in one too,
and the hub needs their names alone. */ -}}
{{- $manifest := (.Values.deployment).originManifest | default "" -}}
{{- $deployment := dict "images" (dict "lab" (include "lumihub.image" (list . "lab"))) "simulated" ((.Values.deployment).simulated | default false) "originManifest" (empty $manifest | ternary "" (sha256sum $manifest)) "lessons" dict -}}
{{- range $path, $_ := (.Values.deployment).lessons -}}
{{- $_ := set $deployment.lessons $path dict -}}
{{- end -}}
{{- $_ := set $values "deployment" $deployment -}}
{{- include "lumihub.withoutNulls" $values -}}
{{- end }}

{{/*
A map as JSON, without what is null: Helm 3 passes on the nulls of the chart's defaults, Helm 4 does not, and the hub
takes what is missing for null.
*/}}
{{- define "lumihub.withoutNulls" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if kindIs "map" $value -}}
{{- $_ := set $kept $key (include "lumihub.withoutNulls" $value | fromJson) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $kept $key $value -}}
{{- end -}}
{{- end -}}
{{- toJson $kept -}}
{{- end }}
