/** Fields that all containers of a session's pod have in common. */

/**
 * Returns the security context of a container without privileges, as the Pod Security Standard `restricted` requires.
 * `runAsUser` is a number, because the kubelet cannot verify that a user with a name is not root.
 */
export const unprivileged = (user: { readonly runAsUser: number; readonly runAsGroup?: number }) => ({
  ...user,
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
});

/** The user of most containers, and the group that owns the files of the session's volume (`fsGroup`). */
export const sessionUser = { runAsUser: 1000, runAsGroup: 100 } as const;

/** Puts the end of a failed container's log into `state.terminated.message` of the pod's status. */
export const withLogInStatus = { terminationMessagePolicy: 'FallbackToLogsOnError' } as const;
