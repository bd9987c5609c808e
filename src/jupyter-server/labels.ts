/** Names of labels and annotations of a JupyterServer. Clients of renku-notebooks 1.18.1 require those of `renku.io/`. */
const renku = <Name extends string>(name: Name) => `renku.io/${name}` as const;

export const label = {
  app: 'app',
  component: 'component',
  commitSha: renku('commit-sha'),
  gitlabProjectId: renku('gitlabProjectId'),
  safeUsername: renku('safe-username'),
  quota: renku('quota'),
  userId: renku('userId'),
  /** The owner, as a hash of the kind of user and the user id. Only this owner may use the session. */
  owner: 'notebook-sessions.io/owner',
} as const;

export const annotation = {
  commitSha: renku('commit-sha'),
  gitlabProjectId: renku('gitlabProjectId'),
  safeUsername: renku('safe-username'),
  username: renku('username'),
  userId: renku('userId'),
  servername: renku('servername'),
  branch: renku('branch'),
  gitHost: renku('git-host'),
  namespace: renku('namespace'),
  projectName: renku('projectName'),
  requestedImage: renku('requested-image'),
  repository: renku('repository'),
  defaultImageUsed: renku('default_image_used'),
  jupyterServername: 'jupyter.org/servername',
  jupyterUsername: 'jupyter.org/username',
  lastActivityDate: renku('lastActivityDate'),
  hibernation: renku('hibernation'),
  hibernationBranch: renku('hibernationBranch'),
  hibernationCommitSha: renku('hibernationCommitSha'),
  hibernationDirty: renku('hibernationDirty'),
  hibernationSynchronized: renku('hibernationSynchronized'),
  hibernationDate: renku('hibernationDate'),
  /** Id of the launch that created the object. A launch finds its object by the id if the response to the creation was lost. */
  launchId: 'notebook-sessions.io/launch-id',
  /** The name of the commit in the launch request; `commitSha` is the full id. */
  requestedRef: 'notebook-sessions.io/requested-ref',
  /** `true` if the branch was the project's default branch at the launch. */
  defaultBranch: 'notebook-sessions.io/default-branch',
  /** The other options of the launch, as JSON (launch-options.ts). */
  launchOptions: 'notebook-sessions.io/launch-options',
  /** The uid of the pod that the last restart replaces. Repeated calls with the same uid replace the pod only once. */
  restartedPod: 'notebook-sessions.io/restarted-pod',
  /** Time of the last restart, RFC 3339. */
  restartedAt: 'notebook-sessions.io/restarted-at',
  /** Name of the Secret with the user's tokens, which is created immediately after the object. */
  credentialsSecret: 'notebook-sessions.io/credentials-secret',
  /** Name of the Secret with the variables of the launch, created at the same time. */
  variablesSecret: 'notebook-sessions.io/variables-secret',
  /** Name of the Secret with the credentials to pull a private image, created at the same time. */
  pullSecret: 'notebook-sessions.io/pull-secret',
  /** Id of the secret from which the key of the session's agent is derived (session-contract/agent-key.ts). */
  agentSecret: 'notebook-sessions.io/agent-secret',
  /** `false` if the user may not push to the repository, so that work cannot be saved there; missing if the session has no agent. */
  mayPush: 'notebook-sessions.io/may-push',
  /** A request to save the work and then to delete or hibernate the session, as JSON (stop-request.ts). */
  stopRequest: 'notebook-sessions.io/stop-request',
  /** The save that preceded the hibernation, as JSON (saved-work.ts). */
  savedWork: 'notebook-sessions.io/saved-work',
  /** Id of the last change of the resource class. After another one, the operator updates the pod’s template. */
  size: 'notebook-sessions.io/size',
  /** When and why the operator ends the session soon (culling-notice.ts). */
  culling: 'notebook-sessions.io/culling',
  /** Hashes of the session's access tokens, as JSON (session-contract/access-tokens.ts). */
  accessTokens: 'notebook-sessions.io/access-tokens',
} as const;

/** The annotations that API responses contain, because clients of renku-notebooks read them. */
export const clientAnnotations: readonly string[] = [
  annotation.namespace,
  annotation.projectName,
  annotation.branch,
  annotation.commitSha,
  annotation.repository,
  annotation.requestedRef,
  annotation.servername,
  annotation.username,
  annotation.gitHost,
  annotation.gitlabProjectId,
  annotation.jupyterServername,
  annotation.jupyterUsername,
  annotation.lastActivityDate,
  annotation.hibernation,
  annotation.hibernationBranch,
  annotation.hibernationCommitSha,
  annotation.hibernationDirty,
  annotation.hibernationSynchronized,
  annotation.hibernationDate,
];

/** Returns whether Kubernetes accepts the text as the value of a label. */
export const isLabelValue = (value: string): boolean => /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value);

/** Names of the labels that the operator adds to every child. */
export interface ChildLabels {
  readonly component: string;
  readonly parentUid: string;
  readonly parentName: string;
  readonly childKey: string;
  readonly mainPod: string;
}

/** Returns the names that Amalthea uses, too: their prefix is the API group of the JupyterServer, which is configured. */
export const childLabels = (group: string): ChildLabels => ({
  component: 'app.kubernetes.io/component',
  parentUid: `${group}/parent-uid`,
  parentName: `${group}/parent-name`,
  childKey: `${group}/child-key`,
  mainPod: `${group}/main-pod`,
});

/**
 * The type of the pod condition for the build of an image on the local platform. During the build, the status is `False`
 * and the message is the progress. After the build, the status is `True`, with a message if the image lacks something that
 * the project requires.
 */
export const imageCondition = 'notebook-sessions.io/image';
