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
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- $errors = append $errors "ingress.host is required, because ingress.enabled is true." -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $errors = append $errors "httpRoute.parentRefs is required, because httpRoute.enabled is true: it names the Gateways." -}}
{{- end -}}
{{- range $program := list "service" "operator" -}}
{{- $settings := index $.Values $program -}}
{{- $replicas := $settings.replicaCount -}}
{{- if and (eq $program "service") $settings.autoscaling.enabled -}}
{{- $replicas = $settings.autoscaling.minReplicas -}}
{{- if gt (int $settings.autoscaling.minReplicas) (int $settings.autoscaling.maxReplicas) -}}
{{- $errors = append $errors "service.autoscaling.minReplicas must not be more than service.autoscaling.maxReplicas." -}}
{{- end -}}
{{- end -}}
{{- if and $settings.podDisruptionBudget.enabled (gt (int $replicas) 1) (ge (int $settings.podDisruptionBudget.minAvailable) (int $replicas)) -}}
{{- $errors = append $errors (printf "%s.podDisruptionBudget.minAvailable must be less than the number of replicas, %d: otherwise no node with a replica can be drained." $program (int $replicas)) -}}
{{- end -}}
{{- end -}}
{{- if $errors -}}
{{- fail (printf "\n\nThe values of the chart %s have %s:\n- %s\n" .Chart.Name (ternary "an error" (printf "%d errors" (len $errors)) (eq (len $errors) 1)) (join "\n- " $errors)) -}}
{{- end -}}
{{- end }}
