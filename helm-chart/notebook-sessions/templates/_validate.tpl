{{- /*
Checks what values.schema.json cannot explain, and fails with all errors, one sentence each. Messages contain no value of a
secret key.
*/}}
{{- define "notebook-sessions.validate" -}}
{{- $errors := list -}}
{{- $config := include "notebook-sessions.config" . | fromJson -}}
{{- $tree := $config.public -}}
{{- $keys := .Files.Get "files/service-keys.json" | fromJson -}}
{{- range $keys.patterns -}}
{{- $rule := . -}}
{{- $value := include "notebook-sessions.get" (dict "tree" $tree "key" .key) -}}
{{- if $value -}}
{{- $values := printf "[%s]" $value | fromJsonArray | first -}}
{{- range ternary $values (list $values) (kindIs "slice" $values) -}}
{{- if not (regexMatch $rule.pattern (toString .)) -}}
{{- $errors = append $errors (printf "config.%s must be %s; it is %q." $rule.key $rule.expected (toString .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $existing := include "notebook-sessions.existingKeys" . | fromJsonArray -}}
{{- if not (dig "git" "url" "" $tree) -}}
{{- $errors = append $errors "config.git.url is required: the address of the GitLab with the projects, such as https://gitlab.example.org." -}}
{{- end -}}
{{- if not (dig "git" "registry" "" $tree) -}}
{{- $errors = append $errors "config.git.registry is required: the image registry of that GitLab, such as registry.example.org." -}}
{{- end -}}
{{- if not (dig "sessions" "ingress" "host" "" $tree) -}}
{{- $errors = append $errors "config.sessions.ingress.host is required: the host of sessions for browsers, such as sessions.example.org. Do not use the host of the API." -}}
{{- end -}}
{{- if eq $tree.identity.gateway "verified" -}}
{{- range list "jwks_url" "issuer" "audience" -}}
{{- if not (get $tree.identity .) -}}
{{- $errors = append $errors (printf "config.identity.%s is required, because config.identity.gateway is verified." .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (eq $tree.identity.gateway "off") (not $tree.anonymous_sessions_enabled) -}}
{{- $errors = append $errors "config.identity.gateway is off and config.anonymous_sessions_enabled is false, so every request would be rejected: set config.identity.gateway to verified (with jwks_url, issuer and audience), or config.anonymous_sessions_enabled to true." -}}
{{- end -}}
{{- range $key, $value := $config.secrets -}}
{{- if has $key $existing -}}
{{- $errors = append $errors (printf "config.%s is set twice: in config and in existingSecrets." $key) -}}
{{- end -}}
{{- end -}}
{{- if ne (len $existing) (len (uniq $existing)) -}}
{{- $errors = append $errors "existingSecrets has two entries for one key of the configuration." -}}
{{- end -}}
{{- with index $config.secrets "identity.cookie_secret" -}}
{{- if lt (len .) 32 -}}
{{- $errors = append $errors "config.identity.cookie_secret must be at least 32 bytes; leave it out to let the chart generate it." -}}
{{- end -}}
{{- end -}}
{{- range index $config.secrets "sessions.agent_secrets" -}}
{{- if lt (len .) 32 -}}
{{- $errors = append $errors "config.sessions.agent_secrets must have at least 32 bytes each; leave the list out to let the chart generate one." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- $errors = append $errors "ingress.host is required, because ingress.enabled is true." -}}
{{- end -}}
{{- if not (regexMatch "^[^/:]*$" .Values.ingress.host) -}}
{{- $errors = append $errors (printf "ingress.host must be a host without a scheme, port or path, such as notebooks.example.org; it is %q." .Values.ingress.host) -}}
{{- end -}}
{{- if contains "://" .Values.images.registry -}}
{{- $errors = append $errors (printf "images.registry must be a host, with a port and a path if it has them, and without a scheme; it is %q." .Values.images.registry) -}}
{{- end -}}
{{- if and .Values.metrics.enabled (has (int .Values.metrics.port) (list 8000 8080)) -}}
{{- $errors = append $errors (printf "metrics.port must not be %d: the service listens for requests on port 8000, and the operator for probes on port 8080." (int .Values.metrics.port)) -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $errors = append $errors "httpRoute.parentRefs is required, because httpRoute.enabled is true: it names the Gateways." -}}
{{- end -}}
{{- with .Values.service.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- $errors = append $errors "service.autoscaling.minReplicas must not be more than service.autoscaling.maxReplicas." -}}
{{- end -}}
{{- if and .enabled (not (dig "requests" "cpu" "" $.Values.service.resources)) -}}
{{- $errors = append $errors "service.resources.requests.cpu is required, because service.autoscaling.enabled is true: the use of processor is compared with it." -}}
{{- end -}}
{{- end -}}
{{- $warned := include "notebook-sessions.get" (dict "tree" $tree "key" "sessions.termination_warning_duration_seconds") | default "43200" | int -}}
{{- if and .Values.operator.enabled (gt (int .Values.operator.culling.warningSeconds) $warned) -}}
{{- $errors = append $errors (printf "operator.culling.warningSeconds must not be more than config.sessions.termination_warning_duration_seconds, %d: before that time, the API would not show the warning." $warned) -}}
{{- end -}}
{{- range $program := ternary (list "service" "operator") (list "service") .Values.operator.enabled -}}
{{- $account := (index $.Values $program).serviceAccount -}}
{{- if not (or $account.create $account.name) -}}
{{- $errors = append $errors (printf "%s.serviceAccount.name is required, because %s.serviceAccount.create is false: without it, all pods of the namespace that use the account \"default\" would get the permissions of the %s." $program $program $program) -}}
{{- end -}}
{{- end -}}
{{- range $program := list "service" "operator" -}}
{{- $settings := index $.Values $program -}}
{{- $replicas := include "notebook-sessions.replicas" (dict "context" $ "component" $program) | int -}}
{{- if and $settings.podDisruptionBudget.enabled (gt $replicas 1) (ge (int $settings.podDisruptionBudget.minAvailable) $replicas) -}}
{{- $errors = append $errors (printf "%s.podDisruptionBudget.minAvailable must be less than the number of replicas, %d: otherwise no node with a replica can be drained." $program $replicas) -}}
{{- end -}}
{{- end -}}
{{- if $errors -}}
{{- fail (printf "\n\nThe values of the chart %s have %s:\n- %s\n" .Chart.Name (ternary "an error" (printf "%d errors" (len $errors)) (eq (len $errors) 1)) (join "\n- " $errors)) -}}
{{- end -}}
{{- end }}
