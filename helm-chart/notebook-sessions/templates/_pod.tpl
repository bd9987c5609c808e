{{- /* Parts of the pod templates of the service and the operator. Arguments: context, component. */}}
{{- define "notebook-sessions.podSettings" -}}
{{- $settings := index .context.Values .component -}}
serviceAccountName: {{ include "notebook-sessions.serviceAccount" . }}
{{- with .context.Values.images.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .context.Values.podSecurityContext | nindent 2 }}
terminationGracePeriodSeconds: {{ $settings.terminationGracePeriodSeconds }}
enableServiceLinks: false
{{- with $settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- with $settings.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
{{- else }}
  {{- /* Only nodes that have the labels of all constraints are spread over, and not all clusters have zones. */}}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "notebook-sessions.podSelector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{- /*
Annotations of a pod template, with a checksum of the Secrets that the pods read when they start, so that an upgrade restarts the
pods if the Secrets have changed. Programs that only render the chart do not read the cluster: without the Secrets, there is no
checksum. Arguments: context, secrets (names).
*/}}
{{- define "notebook-sessions.secretsChecksum" -}}
{{- $data := dict -}}
{{- range .secrets -}}
{{- with lookup "v1" "Secret" $.context.Release.Namespace . -}}
{{- $_ := set $data .metadata.name .data -}}
{{- end -}}
{{- end -}}
{{- if $data -}}
checksum/secrets: {{ toJson $data | sha256sum }}
{{- end -}}
{{- end }}

{{- /* The names of the Secrets with certificate authorities, as JSON. */}}
{{- define "notebook-sessions.customCANames" -}}
{{- $names := list -}}
{{- range include "notebook-sessions.customCAs" . | fromJsonArray -}}
{{- $names = append $names .secret -}}
{{- end -}}
{{ toJson $names }}
{{- end }}

{{- /* The init container that installs certificate authorities, if there are any. */}}
{{- define "notebook-sessions.initContainers" -}}
{{- if include "notebook-sessions.customCAs" .context | fromJsonArray -}}
initContainers:
  - name: certificates
    image: {{ include "notebook-sessions.certificatesImage" .context }}
    imagePullPolicy: {{ .context.Values.images.pullPolicy }}
    securityContext:
      {{- toYaml .context.Values.securityContext | nindent 6 }}
    resources:
      requests: {cpu: 10m, memory: 16Mi}
      limits: {memory: 64Mi}
    volumeMounts:
      - {name: certificates, mountPath: /etc/ssl/certs}
      - {name: custom-certificates, mountPath: /usr/local/share/ca-certificates, readOnly: true}
      - {name: tmp, mountPath: /tmp}
{{- end -}}
{{- end }}

{{- define "notebook-sessions.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- with include "notebook-sessions.customCAs" .context | fromJsonArray }}
- name: certificates
  emptyDir: {sizeLimit: 16Mi}
- name: custom-certificates
  projected:
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret }}
      {{- end }}
{{- end }}
{{- end }}

{{- define "notebook-sessions.volumeMounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if include "notebook-sessions.customCAs" .context | fromJsonArray }}
- {name: certificates, mountPath: /etc/ssl/certs, readOnly: true}
{{- end }}
{{- end }}

{{- /* Variables of both programs. */}}
{{- define "notebook-sessions.commonEnv" -}}
- {name: LOG_LEVEL, value: {{ (index .context.Values .component).logLevel }}}
# The folder of the cache of compiled code.
- {name: XDG_CACHE_HOME, value: /tmp}
{{- if include "notebook-sessions.customCAs" .context | fromJsonArray }}
- {name: NODE_EXTRA_CA_CERTS, value: /etc/ssl/certs/ca-certificates.crt}
{{- end }}
{{- end }}
