import { formatBytes, readQuantity } from '../../jupyter-server/quantities.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { cloneExitCode } from '../../session-contract/clone.ts';

const dockerfile = 'Please ensure that your Dockerfile is correct.';
const cannotClone = 'The repository could not be cloned because';

/** What an exit code of `jupyter-server` or `git-clone` means to the person who launched the session, and what to do. */
const meanings: Readonly<Record<number, string>> = {
  125: `The command that starts the session was called but did not complete. ${dockerfile}`,
  126: `The command that starts the session cannot be called. ${dockerfile}`,
  127: `The image does not contain the required command to start a session. ${dockerfile}`,
  128: `The session shut down unexpectedly. ${dockerfile} If it is, low disk space may be the reason: launch the session again with more storage.`,
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

/** `code` undefined: it is not known. */
export const exitCodeMeaning = (code: number | undefined): string =>
  (code === undefined ? undefined : meanings[code]) ?? `The session shut down unexpectedly. ${dockerfile}`;

/** The step that only makes the image be downloaded failed: there is no usable shell in it. */
export const noShellMeaning = `The image cannot run a command (it has no shell). ${dockerfile}`;

/** What the kubelet calls it when the kernel killed a container's first process. */
export const outOfMemoryReason = 'OOMKilled';

export function outOfMemoryMeaning({ spec }: JupyterServer): string {
  const given = readQuantity(spec?.jupyterServer?.resources?.requests?.['memory']);
  const amount = given === undefined ? '' : ` (${formatBytes(given)})`;
  return `The session used more memory than it was given${amount} and was killed. Launch it again with more memory.`;
}
