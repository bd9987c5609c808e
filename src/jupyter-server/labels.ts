/** Names of labels and annotations on a JupyterServer. Clients of renku-notebooks 1.18.1 rely on those of `renku.io/`. */
const renku = <Name extends string>(name: Name) => `renku.io/${name}` as const;

export const label = {
  app: 'app',
  component: 'component',
  commitSha: renku('commit-sha'),
  gitlabProjectId: renku('gitlabProjectId'),
  safeUsername: renku('safe-username'),
  quota: renku('quota'),
  userId: renku('userId'),
  /** The owner, as a hash of the kind of user and the user id. Decides which callers may use a session. */
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
  /** Id of the launch that made the object: a launch recognises its object even if the response to its creation was lost. */
  launchId: 'notebook-sessions.io/launch-id',
  /** The commit as the launch named it; `commitSha` is the full id. */
  requestedRef: 'notebook-sessions.io/requested-ref',
  /** `true` if the branch was the project's default branch at the launch. */
  defaultBranch: 'notebook-sessions.io/default-branch',
  /** The other options of the launch, as JSON (launch-options.ts). */
  launchOptions: 'notebook-sessions.io/launch-options',
  /** The uid of the pod that the last restart replaces: the key that makes a restart exactly-once. */
  restartedPod: 'notebook-sessions.io/restarted-pod',
  /** Time of the last restart, RFC 3339. */
  restartedAt: 'notebook-sessions.io/restarted-at',
  /** Name of the Secret with the user's tokens, which is made right after the object. */
  credentialsSecret: 'notebook-sessions.io/credentials-secret',
  /** Name of the Secret with the variables of the launch, made at the same time. */
  variablesSecret: 'notebook-sessions.io/variables-secret',
  /** Name of the Secret with which the cluster pulls a private image, made at the same time. */
  pullSecret: 'notebook-sessions.io/pull-secret',
  /** Hashes of the access tokens for programs, as JSON (session-contract/access-tokens.ts). */
  accessTokens: 'notebook-sessions.io/access-tokens',
} as const;

/** The annotations that the API shows, because clients of renku-notebooks read them. */
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

/** Labels that the operator adds to every child. */
export const childLabel = {
  component: 'app.kubernetes.io/component',
  parentUid: 'amalthea.dev/parent-uid',
  parentName: 'amalthea.dev/parent-name',
  childKey: 'amalthea.dev/child-key',
  mainPod: 'amalthea.dev/main-pod',
} as const;

/**
 * The type of a pod condition on the local platform, which builds the image of a commit itself. The status is `False`
 * during the build, with the progress as the message. It is `True` with a message if the image differs from what the
 * project asks for.
 */
export const imageCondition = 'notebook-sessions.io/image';
