{{- /* Sets the value of a key (a.b.c) in a tree. Arguments: tree, key, value. With `weak`, only if the key is not set. */}}
{{- define "notebook-sessions.set" -}}
{{- $group := .tree -}}
{{- $names := splitList "." .key -}}
{{- range initial $names -}}
{{- if not (kindIs "map" (get $group .)) -}}
{{- $_ := set $group . dict -}}
{{- end -}}
{{- $group = get $group . -}}
{{- end -}}
{{- $name := last $names -}}
{{- if not (and .weak (hasKey $group $name) (ne (toString (get $group $name)) "") (not (kindIs "invalid" (get $group $name)))) -}}
{{- $_ := set $group $name .value -}}
{{- end -}}
{{- end }}

{{- /* Returns the value of a key (a.b.c) of a tree as JSON, or nothing. With `remove`, also removes the key. */}}
{{- define "notebook-sessions.get" -}}
{{- $group := .tree -}}
{{- $names := splitList "." .key -}}
{{- range initial $names -}}
{{- $group = ternary (get $group .) dict (kindIs "map" (get $group .)) -}}
{{- end -}}
{{- $name := last $names -}}
{{- $value := get $group $name -}}
{{- if .remove -}}
{{- $_ := unset $group $name -}}
{{- end -}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) -}}
{{ toJson $value }}
{{- end -}}
{{- end }}

{{- /*
Returns the configuration of the service as JSON: {"public": tree for the ConfigMap, "secrets": {key: value}}. The values
of `config` have priority over those of an umbrella chart, and the chart's own keys over both.
*/}}
{{- define "notebook-sessions.config" -}}
{{- $tree := deepCopy .Values.config -}}
{{- $global := .Values.global -}}
{{- $domain := dig "renku" "domain" "" $global -}}
{{- $realm := dig "keycloak" "realm" "" $global -}}
{{- if $realm -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "keycloak_realm" "value" $realm "weak" true) -}}
{{- end -}}
{{- if $domain -}}
{{- $base := printf "%s://%s" (ternary "https" "http" (dig "useHTTPS" false $global)) $domain -}}
{{- $gitlab := printf "%s%s" $base (dig "gitlab" "urlPrefix" "/" $global) | trimSuffix "/" -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "git.url" "value" $gitlab "weak" true) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "sessions.ingress.host" "value" $domain "weak" true) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "sessions.git_proxy.platform_url" "value" $base "weak" true) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "identity.gateway" "value" "verified" "weak" true) -}}
{{- $issuer := printf "%s/auth/realms/%s" $base (default "Renku" $tree.keycloak_realm) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "identity.issuer" "value" $issuer "weak" true) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "identity.jwks_url" "value" (printf "%s/protocol/openid-connect/certs" $issuer) "weak" true) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "identity.audience" "value" "renku" "weak" true) -}}
{{- end -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "identity.gateway" "value" "off" "weak" true) -}}
{{- if not (kindIs "string" $tree.identity.gateway) -}}
{{- /* YAML 1.1: off without quotes is false. */}}
{{- $_ := set $tree.identity "gateway" "off" -}}
{{- end -}}
{{- if dig "anonymousSessions" "enabled" false $global -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "anonymous_sessions_enabled" "value" true "weak" true) -}}
{{- end -}}
{{- with dig "crc" "serviceName" "" $global -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "crc_url" "value" (printf "http://%s/api/data" .) "weak" true) -}}
{{- end -}}
{{- $proxySecret := "sessions.git_proxy.renku_client_secret" -}}
{{- if not (has $proxySecret (include "notebook-sessions.existingKeys" . | fromJsonArray)) -}}
{{- with dig "gateway" "clientSecret" "" $global -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" $proxySecret "value" . "weak" true) -}}
{{- end -}}
{{- end -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "sessions.ca_certs.secrets" "value" (include "notebook-sessions.customCAs" . | fromJsonArray) "weak" true) -}}
{{- $namespaces := splitList "," (include "notebook-sessions.namespaces" .) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "k8s.renku_namespace" "value" (last $namespaces)) -}}
{{- if gt (len $namespaces) 1 -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "k8s.sessions_namespace" "value" (first $namespaces)) -}}
{{- end -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "metrics.enabled" "value" .Values.metrics.enabled) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "metrics.port" "value" .Values.metrics.port) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "sessions.default_image" "value" (include "notebook-sessions.image" (dict "context" . "name" "session"))) -}}
{{- $sessionTools := include "notebook-sessions.image" (dict "context" . "name" "sessionTools") -}}
{{- range $program := list "git_clone" "git_proxy" "git_rpc_server" -}}
{{- $key := printf "sessions.%s" $program -}}
{{- if or (eq $program "git_clone") (not (include "notebook-sessions.get" (dict "tree" $tree "key" (printf "%s.image" $key)))) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" (printf "%s.image" $key) "value" $sessionTools) -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" (printf "%s.program" $key) "value" "notebook-sessions") -}}
{{- end -}}
{{- end -}}
{{- include "notebook-sessions.set" (dict "tree" $tree "key" "sessions.ca_certs.image" "value" (include "notebook-sessions.certificatesImage" .)) -}}
{{- $secrets := dict -}}
{{- range (.Files.Get "files/service-keys.json" | fromJson).secrets -}}
{{- $value := include "notebook-sessions.get" (dict "tree" $tree "key" . "remove" true) -}}
{{- if $value -}}
{{- $_ := set $secrets . ($value | printf "[%s]" | fromJsonArray | first) -}}
{{- end -}}
{{- end -}}
{{ dict "public" $tree "secrets" $secrets | toJson }}
{{- end }}

{{- /* The NB_ variable of a key of the configuration. */}}
{{- define "notebook-sessions.variable" -}}
NB_{{ . | replace "." "__" | upper }}
{{- end }}

{{- /* Keys of the configuration that entries of existingSecrets provide, as a JSON list. */}}
{{- define "notebook-sessions.existingKeys" -}}
{{- $keys := list -}}
{{- range .Values.existingSecrets -}}
{{- $keys = append $keys .config -}}
{{- end -}}
{{ toJson $keys }}
{{- end }}

{{- /*
Returns the data of the chart's Secret as JSON: {key of the configuration: value}. identity.cookie_secret and
sessions.agent_secrets are generated if they have no value, and read from the cluster at each upgrade. A list is JSON.
*/}}
{{- define "notebook-sessions.secretData" -}}
{{- $data := (include "notebook-sessions.config" . | fromJson).secrets -}}
{{- $existing := include "notebook-sessions.existingKeys" . | fromJsonArray -}}
{{- $live := lookup "v1" "Secret" .Release.Namespace (include "notebook-sessions.fullname" .) | default dict -}}
{{- range $generated := list "identity.cookie_secret" "sessions.agent_secrets" -}}
{{- $isList := eq $generated "sessions.agent_secrets" -}}
{{- if not (or (hasKey $data $generated) (has $generated $existing)) -}}
{{- $kept := dig "data" $generated "" $live -}}
{{- $new := ternary (list (randAlphaNum 48) | toJson) (randAlphaNum 48) $isList -}}
{{- $_ := set $data $generated (ternary (b64dec $kept) $new (ne $kept "")) -}}
{{- else if and $isList (kindIs "slice" (get $data $generated)) -}}
{{- $_ := set $data $generated (get $data $generated | toJson) -}}
{{- end -}}
{{- end -}}
{{ toJson $data }}
{{- end }}
