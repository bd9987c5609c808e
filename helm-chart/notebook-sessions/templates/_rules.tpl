{{- /*
The permissions of both programs. A test on a real API server checks that each is used and that no other is needed
(tests/cluster/roles.test.ts). Arguments: context, namespace.
*/}}

{{- /* The permissions of the service in a namespace with sessions. */}}
{{- define "notebook-sessions.serviceRules" -}}
{{- $type := .context.Values.config.amalthea | default dict -}}
{{- $group := default "amalthea.dev" $type.group -}}
{{- $plural := default "jupyterservers" $type.plural -}}
# New sessions are created in one namespace only.
- apiGroups: [{{ $group }}]
  resources: [{{ $plural }}]
  verbs: [{{ if eq .namespace (include "notebook-sessions.sessionsNamespace" .context) }}create, {{ end }}delete, get, list, patch, watch]
# The Secrets of a session block the deletion of their owner, the session. With OwnerReferencesPermissionEnforcement
# (OpenShift), this requires the permission below.
- apiGroups: [{{ $group }}]
  resources: [{{ $plural }}/finalizers]
  verbs: [update]
# Update: a restart replaces the user's tokens with a PUT of the whole Secret, and the response has only what was sent. Not
# patch or delete: the response to these has the object, so they could read a Secret.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, update]
# A forced stop skips the grace period of the pod, and a restart replaces the pod.
- apiGroups: [""]
  resources: [pods]
  verbs: [delete]
# A restart first checks that the volume still exists.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get]
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end }}

{{- /* The permissions of the operator in a namespace with sessions. */}}
{{- define "notebook-sessions.operatorRules" -}}
{{- $type := .context.Values.config.amalthea | default dict -}}
{{- $group := default "amalthea.dev" $type.group -}}
{{- $plural := default "jupyterservers" $type.plural -}}
# The resource has no status subresource, so the status is written with a patch of the object. Delete: culling.
- apiGroups: [{{ $group }}]
  resources: [{{ $plural }}]
  verbs: [delete, get, list, patch, watch]
# Children block the deletion of their owner, the session. With OwnerReferencesPermissionEnforcement (OpenShift), this
# requires the permission below.
- apiGroups: [{{ $group }}]
  resources: [{{ $plural }}/finalizers]
  verbs: [update]
# Children are created and watched. The garbage collector deletes them with their session.
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims, services]
  verbs: [create, get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [create, get, list, watch]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [create, get, list, patch, watch]
# Get: if the response to a creation is lost, the operator recognises its own Secret by its labels.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, get]
# Delete: a StatefulSet with ordered pods never replaces a pod that has not become ready.
- apiGroups: [""]
  resources: [pods]
  verbs: [delete, list, watch]
# Reads the events of pods, and writes events about sessions. Patch: the count of an event.
- apiGroups: [""]
  resources: [events]
  verbs: [create, list, patch, watch]
{{- if .context.Values.operator.resourceUsage.enabled }}
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
{{- end }}
{{- if dig "sessions" "ingress" "gateway" false (default dict .context.Values.config) }}
# The entrance of sessions, in place of an Ingress.
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [create, get]
{{- end }}
{{- if dig "cloud_storage" "s3" "enabled" false (default dict .context.Values.config) }}
# Buckets are mounted by Datashim.
- apiGroups: [com.ie.ibm.hpsys]
  resources: [datasets]
  verbs: [create, get]
{{- end }}
{{- end }}

{{- /* In the operator's own namespace, for the election of a leader among its replicas. */}}
{{- define "notebook-sessions.electionRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [notebook-sessions-operator]
  verbs: [get, patch]
{{- end }}
