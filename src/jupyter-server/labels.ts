/** Names of labels and annotations on a JupyterServer. The `renku.io/` ones are what clients of 1.18.1 rely on. */
const renku = <Name extends string>(name: Name) => `renku.io/${name}` as const;

export const label = {
  app: 'app',
  component: 'component',
  commitSha: renku('commit-sha'),
  gitlabProjectId: renku('gitlabProjectId'),
  safeUsername: renku('safe-username'),
  quota: renku('quota'),
  userId: renku('userId'),
  /** Ours: the owner as a hash over the kind of user and the user id. Decides who may see a session. */
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
  /** Ours: which launch made the object, so that a create whose answer was lost is recognised as our own. */
  launchId: 'notebook-sessions.io/launch-id',
  /** Ours: the name of the commit as the launch asked for it; `commitSha` is the full id. */
  requestedRef: 'notebook-sessions.io/requested-ref',
  /** Ours: `true` where the branch was the project's default branch at the launch. */
  defaultBranch: 'notebook-sessions.io/default-branch',
  /** Ours: the other options of the launch, as JSON (`LaunchOptions` of the API). */
  launchOptions: 'notebook-sessions.io/launch-options',
  /** Ours: uid of the pod that the last restart replaces: the key that makes a restart exactly-once. */
  restartedPod: 'notebook-sessions.io/restarted-pod',
  /** Ours: when that was, ISO 8601. */
  restartedAt: 'notebook-sessions.io/restarted-at',
  /** Ours: the Secret with the launching user's tokens; made right after the object. */
  credentialsSecret: 'notebook-sessions.io/credentials-secret',
  /** Ours: the Secret with the variables of the launch; made together with the other one. */
  variablesSecret: 'notebook-sessions.io/variables-secret',
  /** Ours: the Secret with which the cluster fetches a private image; made together with the other one. */
  pullSecret: 'notebook-sessions.io/pull-secret',
  /** Ours: hashes of the tokens that let programs in, as JSON (`session-contract/access-tokens.ts`). */
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

/** Whether Kubernetes accepts the text as the value of a label. */
export const isLabelValue = (value: string): boolean => /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/.test(value);

/** What the operator puts on every child (group prefix of the CRD). */
export const childLabel = {
  component: 'app.kubernetes.io/component',
  parentUid: 'amalthea.dev/parent-uid',
  parentName: 'amalthea.dev/parent-name',
  childKey: 'amalthea.dev/child-key',
  mainPod: 'amalthea.dev/main-pod',
} as const;

/**
 * Ours, of a session's pod on one machine: how the image of its commit was provided. `False` while it is built, with the
 * progress as the message; `True` with a message where something is not as the project asks for.
 */
export const imageCondition = 'notebook-sessions.io/image';
