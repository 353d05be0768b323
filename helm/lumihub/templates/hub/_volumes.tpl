{{/*
The hub's volumes: what it reads in one folder, /etc/lumihub, and where it keeps its state.
*/}}
{{- define "lumihub.hubVolumes" -}}
- name: settings
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: hub-values
      - secret:
          name: hub
          items:
            {{- range $key := list "tool-token" "proxy-token" "cookie-secret" "crypt-key" "gateway-token" }}
            - key: {{ $key }}
              path: secrets/{{ $key }}
            {{- end }}
      {{- with include "lumihub.loginSecret" . }}
      - secret:
          name: {{ . }}
          items:
            - key: client-secret
              path: secrets/client-secret
      {{- end }}
      {{- if eq .Values.hub.db.type "postgres" }}
      {{- with .Values.hub.db.existingSecret }}
      - secret:
          name: {{ . }}
          items:
            - key: db-url
              path: secrets/db-url
      {{- end }}
      {{- end }}
- name: state
  {{- if eq .Values.hub.db.type "sqlite-pvc" }}
  persistentVolumeClaim:
    claimName: hub-db
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: tmp
  emptyDir: {}
{{- end }}
