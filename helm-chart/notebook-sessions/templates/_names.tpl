{{- /* The name of the release's objects: <release>-<chart>, or <release> if it contains the name of the chart. */}}
{{- define "notebook-sessions.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "notebook-sessions.operatorName" -}}
{{ include "notebook-sessions.fullname" . }}-operator
{{- end }}

{{- define "notebook-sessions.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "notebook-sessions.labels" -}}
{{ include "notebook-sessions.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* The labels that select the pods of a program. Arguments: context, component. */}}
{{- define "notebook-sessions.podSelector" -}}
{{ include "notebook-sessions.selectorLabels" .context }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* The label of pods with metrics. The operator gives the labels above to the pods of sessions, too. */}}
{{- define "notebook-sessions.metricsLabel" -}}
notebook-sessions.io/metrics: "true"
{{- end }}

{{- /* The pods of all sessions, also of those that Amalthea has created. */}}
{{- define "notebook-sessions.sessionSelector" -}}
app.kubernetes.io/component: jupyterserver
{{- end }}

{{- define "notebook-sessions.sessionsNamespace" -}}
{{ default .Release.Namespace .Values.sessions.namespace }}
{{- end }}

{{- /* The namespaces with sessions, separated by commas: the one of new sessions first. */}}
{{- define "notebook-sessions.namespaces" -}}
{{- $new := include "notebook-sessions.sessionsNamespace" . -}}
{{ ternary (list $new .Release.Namespace) (list $new) .Values.sessions.inReleaseNamespace | uniq | join "," }}
{{- end }}

{{- define "notebook-sessions.serviceAccount" -}}
{{- $name := ternary (include "notebook-sessions.fullname" .context) (include "notebook-sessions.operatorName" .context) (eq .component "service") -}}
{{- $account := (index .context.Values .component).serviceAccount -}}
{{ default $name $account.name }}
{{- end }}

{{- /* The path of the API, without a slash at its end. */}}
{{- define "notebook-sessions.prefix" -}}
{{ default "/notebooks" .Values.config.service_prefix | trimSuffix "/" }}
{{- end }}

{{- /* The lowest number of replicas of a program. Arguments: context, component. */}}
{{- define "notebook-sessions.replicas" -}}
{{- $settings := index .context.Values .component -}}
{{ ternary (dig "autoscaling" "minReplicas" 0 $settings) $settings.replicaCount (dig "autoscaling" "enabled" false $settings) }}
{{- end }}

{{- /* The reference of an image. Arguments: context, name (a key of `images`). */}}
{{- define "notebook-sessions.image" -}}
{{- $image := index .context.Values.images .name -}}
{{- $registry := .context.Values.images.registry | trimSuffix "/" -}}
{{- $hasRegistry := regexMatch "^([^/]*[.:][^/]*|localhost)/" $image.repository -}}
{{- $repository := ternary $image.repository (printf "%s/%s" $registry $image.repository) (or $hasRegistry (eq $registry "")) -}}
{{- if $image.digest -}}
{{ $repository }}@{{ $image.digest }}
{{- else -}}
{{ $repository }}:{{ default .context.Chart.AppVersion $image.tag }}
{{- end -}}
{{- end }}

{{- /* The image that installs certificates; an umbrella chart can name one for all its charts. */}}
{{- define "notebook-sessions.certificatesImage" -}}
{{- $shared := dig "certificates" "image" dict .Values.global -}}
{{- if kindIs "map" $shared -}}
{{- if $shared.repository -}}
{{ $shared.repository }}:{{ default "latest" $shared.tag }}
{{- else -}}
{{ include "notebook-sessions.image" (dict "context" . "name" "certificates") }}
{{- end -}}
{{- else -}}
{{ $shared }}
{{- end -}}
{{- end }}

{{- /* The Secrets with certificate authorities, as JSON: [{"secret": "name"}]. */}}
{{- define "notebook-sessions.customCAs" -}}
{{ concat .Values.customCAs (dig "certificates" "customCAs" list .Values.global) | uniq | toJson }}
{{- end }}
