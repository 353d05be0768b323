{{/*
A pod that sleeps, and asks for as much as a student's: Kubernetes takes the limit where nothing else is said.
*/}}
{{- define "lumihub.placeholderPod" -}}
{{- $server := .Values.singleuser -}}
priorityClassName: {{ .Release.Name }}-placeholders
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 0
securityContext:
  {{- include "lumihub.podSecurityContext" . | nindent 2 }}
{{- include "lumihub.imagePullSecrets" . | nindent 0 }}
{{- include "lumihub.placement" (dict "nodeSelector" $server.nodeSelector "tolerations" $server.extraTolerations "purpose" "user" "match" .Values.scheduling.userPods.nodeAffinity.matchNodePurpose) | nindent 0 }}
containers:
  - name: sleep
    image: {{ include "lumihub.image" (list . "lab") }}
    imagePullPolicy: {{ .Values.images.pullPolicy }}
    {{- include "lumihub.sleep" . | nindent 4 }}
    resources:
      requests:
        {{- with $server.cpu.guarantee | default $server.cpu.limit }}
        cpu: {{ . }}
        {{- end }}
        {{- with $server.memory.guarantee | default $server.memory.limit }}
        memory: {{ include "lumihub.quantity" . }}
        {{- end }}
    securityContext:
      {{- include "lumihub.containerSecurityContext" . | nindent 6 }}
{{- end }}
