import { formatBytes } from '../../jupyter-server/quantities.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { sessionContainer } from '../../session-contract/containers.ts';

const cannotClone = 'The repository could not be cloned because';

/** Remedies for an error in an image: by the project's owner, by a launch with another image, or by the administrator. */
const imageRemedy = {
  project: 'The image is built from your project: check its Dockerfile, or the file that lists its packages.',
  request: 'Check the image that the launch names, or launch without naming one.',
  platform: 'The image belongs to the platform: if a new session fails, too, tell the administrator.',
} as const;

function remedyFor({ image, project, requestedImage }: Session): string {
  const path = `/${project.namespace}/${project.name}`.toLowerCase();
  const [, after] = image.toLowerCase().split(path);
  if (after !== undefined && /^([:@/]|$)/.test(after)) return imageRemedy.project;
  return requestedImage ? imageRemedy.request : imageRemedy.platform;
}

/** Meanings of the exit codes of `jupyter-server` that an error in the image causes. */
const imageFailures: Readonly<Record<number, string>> = {
  125: 'The command that starts the session was called but did not complete.',
  126: 'The command that starts the session cannot be called.',
  127: 'The image does not contain the required command to start a session.',
};

/** Meanings of other exit codes of `jupyter-server` and `git-clone`, with a remedy, for the session's owner. */
const meanings: Readonly<Record<number, string>> = {
  137: 'The session was killed by the cluster, probably because it used too many resources. Launch it again with more memory or more storage.',
  [cloneExitCode.gitError]: `${cannotClone} of an unexpected git error. The logs of the session have the details.`,
  [cloneExitCode.gitServerUnavailable]: `${cannotClone} the git server is not available. Try again later.`,
  [cloneExitCode.autosaveNameInvalid]: `${cannotClone} the name of an autosave branch is invalid. Remove that branch, or rename it, and launch the session again.`,
  [cloneExitCode.noDiskSpace]: `${cannotClone} of low disk space. Stop the session and restart it with more storage, or without fetching the LFS data automatically.`,
  [cloneExitCode.branchMissing]: `${cannotClone} the requested branch or commit is not on the remote. Push it, or launch another one.`,
  [cloneExitCode.submodules]: `${cannotClone} of an error with its submodules. Check that you can read their addresses.`,
  [cloneExitCode.storageOverwrites]: `${cannotClone} a cloud storage would be mounted over a folder of the same name in it. Launch the session again with another path for the storage.`,
  [cloneExitCode.storagePathNotAbsolute]: `${cannotClone} the path where a cloud storage is mounted is not an absolute path. Launch the session again with another path.`,
};

/**
 * Returns a text that says why a container ended, and what the owner can do.
 * @param code the exit code; undefined if unknown
 */
export function exitCodeMeaning(session: Session, container: string, code: number | undefined): string {
  const known = code === undefined ? undefined : meanings[code];
  if (known !== undefined) return known;
  const withCode = code === undefined ? '' : ` (exit code ${code})`;
  if (container === sessionContainer.gitClone.name) {
    return `${cannotClone} the clone program ended unexpectedly${withCode}; its log has the reason. Launch the session again, and tell the administrator if it fails again.`;
  }
  const remedy = remedyFor(session);
  const failure = code === undefined ? undefined : imageFailures[code];
  if (failure !== undefined) return `${failure} ${remedy}`;
  const disk = code === 128 ? ' So can low disk space: then launch it with more storage.' : '';
  return `The session shut down unexpectedly: its Jupyter server ended${withCode}, and its log has the reason. Packages that were installed in the session can cause this.${disk} ${remedy}`;
}

/** Returns the meaning of a failure of `download-image`: the image has no usable shell. */
export const noShellMeaning = (session: Session): string =>
  `The image cannot run a command (it has no shell). ${remedyFor(session)}`;

/** The kubelet's reason after the kernel has killed a container's main process for its use of memory. */
export const outOfMemoryReason = 'OOMKilled';

export function outOfMemoryMeaning({ requested: { memoryBytes } }: Session): string {
  const amount = memoryBytes === undefined ? '' : ` (${formatBytes(memoryBytes)})`;
  return `The session used more memory than it was given${amount} and was killed. Launch it again with more memory.`;
}
