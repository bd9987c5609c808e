import { annotation } from '../../jupyter-server/labels.ts';
import { formatBytes, readQuantity } from '../../jupyter-server/quantities.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';
import { sessionContainer } from '../../session-contract/containers.ts';

const cannotClone = 'The repository could not be cloned because';

/** Who made the image of a session, as far as its name and its launch say, and so who can mend it. */
const menders = {
  project: 'The image is built from your project: check its Dockerfile, or the file that lists its packages.',
  request: 'Check the image that the launch names, or launch without naming one.',
  platform: 'The image is the platform’s: if a new session fails, too, tell the administrator.',
} as const;

function menderOf({ metadata, spec }: JupyterServer): (typeof menders)[keyof typeof menders] {
  const from = metadata.annotations ?? {};
  const path = `/${from[annotation.namespace]}/${from[annotation.projectName]}`.toLowerCase();
  const [, after] = (spec?.jupyterServer?.image ?? '').toLowerCase().split(path);
  if (after !== undefined && /^([:@/]|$)/.test(after)) return menders.project;
  return from[annotation.requestedImage] ? menders.request : menders.platform;
}

/** What exit codes of `jupyter-server` mean where the image is at fault. */
const imageFaults: Readonly<Record<number, string>> = {
  125: 'The command that starts the session was called but did not complete.',
  126: 'The command that starts the session cannot be called.',
  127: 'The image does not contain the required command to start a session.',
};

/** What other exit codes of `jupyter-server` or `git-clone` mean to the person who launched the session, and what to do. */
const meanings: Readonly<Record<number, string>> = {
  137: 'The session was killed by the cluster, probably because it used too many resources. Launch it again with more memory or more storage.',
  [cloneExitCode.gitError]: `${cannotClone} of an unexpected git error. The logs of the session say more.`,
  [cloneExitCode.gitServerUnavailable]: `${cannotClone} the git server is not available. Try again later.`,
  [cloneExitCode.autosaveNameInvalid]: `${cannotClone} the name of an autosave branch has not the expected form. Remove that branch, or rename it, and launch the session again.`,
  [cloneExitCode.noDiskSpace]: `${cannotClone} of low disk space. Stop the session and restart it with more storage, or without fetching the LFS data automatically.`,
  [cloneExitCode.branchMissing]: `${cannotClone} the requested branch or commit is not on the remote. Push it, or launch another one.`,
  [cloneExitCode.submodules]: `${cannotClone} of an error with its submodules. Check that their addresses can be read by you.`,
  [cloneExitCode.storageOverwrites]: `${cannotClone} a cloud storage would be mounted over a folder of the same name in it. Launch the session again with another place for the storage.`,
  [cloneExitCode.storagePathNotAbsolute]: `${cannotClone} the place where a cloud storage is mounted is not an absolute path. Launch the session again with another one.`,
};

/**
 * Why a container ended, whose fault that is and what to do. `code` undefined: it is not known. That the log says more is
 * told only where it does.
 */
export function exitCodeMeaning(server: JupyterServer, container: string, code: number | undefined): string {
  const known = code === undefined ? undefined : meanings[code];
  if (known !== undefined) return known;
  const withCode = code === undefined ? '' : ` (exit code ${code})`;
  if (container === sessionContainer.gitClone.name) {
    return `${cannotClone} the program that clones it ended unexpectedly${withCode}; its log says why. Launch the session again, and tell the administrator if it fails again.`;
  }
  const mender = menderOf(server);
  const fault = code === undefined ? undefined : imageFaults[code];
  if (fault !== undefined) return `${fault} ${mender}`;
  const disk = code === 128 ? ' So can low disk space: then launch it with more storage.' : '';
  return `The session shut down unexpectedly: its Jupyter server ended${withCode}, and its log says why. What was installed in the session can cause this.${disk} ${mender}`;
}

/** The step that only makes the image be downloaded failed: there is no usable shell in it. */
export const noShellMeaning = (server: JupyterServer): string =>
  `The image cannot run a command (it has no shell). ${menderOf(server)}`;

/** What the kubelet calls it when the kernel killed a container's first process. */
export const outOfMemoryReason = 'OOMKilled';

export function outOfMemoryMeaning({ spec }: JupyterServer): string {
  const given = readQuantity(spec?.jupyterServer?.resources?.requests?.['memory']);
  const amount = given === undefined ? '' : ` (${formatBytes(given)})`;
  return `The session used more memory than it was given${amount} and was killed. Launch it again with more memory.`;
}
