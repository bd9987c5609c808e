import { formatBytes } from '../../jupyter-server/quantities.ts';
import type { Session } from '../../jupyter-server/session.ts';
import type { Termination } from '../../jupyter-server/session-pod.ts';
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
  137: 'The session was killed by the cluster: it used too many resources, or did not respond. Launch it again with more memory or more storage.',
  [cloneExitCode.gitError]: `${cannotClone} of a git error. The logs of the session have the details.`,
  [cloneExitCode.gitServerUnavailable]: `${cannotClone} the git server is not available. Try again later.`,
  [cloneExitCode.autosaveNameInvalid]: `${cannotClone} the name of an autosave branch is invalid. Remove that branch, or rename it, and launch the session again.`,
  [cloneExitCode.noDiskSpace]: `${cannotClone} of low disk space. Stop the session and restart it with more storage, or without fetching the LFS data automatically.`,
  [cloneExitCode.branchMissing]: `${cannotClone} the requested branch or commit is not on the remote. Push it, or launch another one.`,
  [cloneExitCode.submodules]: `${cannotClone} of an error with its submodules. Check that you can read their addresses.`,
  [cloneExitCode.storageOverwrites]: `${cannotClone} a cloud storage would be mounted over a folder of the same name in it. Launch the session again with another path for the storage.`,
  [cloneExitCode.storagePathNotAbsolute]: `${cannotClone} the path where a cloud storage is mounted is not an absolute path. Launch the session again with another path.`,
};

/** Returns a text that says why `git-clone` or `jupyter-server` ended, and what the owner can do. */
export function exitMeaning(session: Session, container: string, end: Termination | undefined): string {
  const { exitCode: code, reason = '', lastLine = '' } = end ?? {};
  if (reason === startErrorReason) return startErrorMeaning(session, container, lastLine);
  const isClone = container === sessionContainer.gitClone.name;
  if (isClone && isResult(code, lastLine)) return withRepository(lastLine);
  if (code === 137 && reason === 'Error' && !isClone) return killedMeaning(session, lastLine);
  const known = code === undefined ? undefined : meanings[code];
  if (known !== undefined) return known + logEnd(lastLine);
  const withCode = code === undefined ? '' : ` (exit code ${code})`;
  if (isClone) {
    return `${cannotClone} the clone program ended unexpectedly${withCode}; its log has the reason.${logEnd(lastLine)} Launch the session again, and tell the administrator if it fails again.`;
  }
  const remedy = remedyFor(session);
  const inImage = missingPart(lastLine);
  if (inImage !== undefined) return `${inImage} ${remedy}`;
  const failure = code === undefined ? undefined : imageFailures[code];
  if (failure !== undefined) return `${failure}${logEnd(lastLine)} ${remedy}`;
  const disk = code === 128 ? ' So can low disk space: then launch it with more storage.' : '';
  return `The session shut down unexpectedly: its Jupyter server ended${withCode}, and its log has the reason.${logEnd(lastLine)} Packages that were installed in the session can cause this.${disk} ${remedy}`;
}

/** Returns the meaning of a kill that the kubelet does not explain with memory: usually, the probes have failed for too long. */
const killedMeaning = (session: Session, lastLine: string): string =>
  `The session was killed by the cluster: its Jupyter server did not respond on port ${sessionContainer.jupyter.port} for too long, or it used too many resources.${logEnd(lastLine)} If it has worked before, launch it again with more memory. ${remedyFor(session)}`;

/** Returns why a container of the platform ended: its owner cannot change it. */
export function platformContainerMeaning({ exitCode, lastLine = '' }: Partial<Termination>): string {
  const withCode = exitCode === undefined ? '' : ` (exit code ${exitCode})`;
  return `Its container ended${withCode}.${logEnd(lastLine)} ${ofPlatform}`;
}

const ofPlatform = 'That is an error of the platform: tell the administrator if it happens again.';

const cloneExitCodes: readonly number[] = Object.values(cloneExitCode);

/**
 * Returns whether the last line of the log of git-clone is its result: a sentence with the reason and the remedy for the owner.
 * `git-clone` of renku-notebooks ends its log with the name of an error.
 */
function isResult(code: number | undefined, line: string): boolean {
  if (code === undefined || !cloneExitCodes.includes(code) || line === '') return false;
  return code === cloneExitCode.gitError || /^\S+ .*\.$/.test(line);
}

const withRepository = (line: string): string =>
  /could not be cloned/.test(line) ? line : `The repository could not be cloned. ${line}`;

const logEnd = (line: string): string => (line === '' ? '' : ` The log ends with: "${line}"`);

/** Returns what the image lacks, if the last line of the log of `jupyter-server` shows an error that all such images cause. */
function missingPart(line: string): string | undefined {
  if (/Jupyter command `jupyter-notebook` not found/.test(line)) {
    return 'The image has JupyterLab or Jupyter Server, but not the command "jupyter notebook", which starts sessions: the Python package notebook is missing in the image.';
  }
  if (/No such file or directory: \S*\/jupyter$/.test(line)) {
    return 'The entrypoint of the image is itself a Jupyter server: it uses the command that starts sessions (jupyter notebook) as the name of a file. The entrypoint of an image must run the command that it is given.';
  }
  if (/exec format error/.test(line)) return otherArchitecture;
  return undefined;
}

const otherArchitecture = 'The image is built for another processor architecture than that of the cluster.';

/** The containers that run the image of the session. */
const usersImage: readonly string[] = [sessionContainer.jupyter.name, sessionContainer.imageDownload.name];

/** The runtime's reason if it could not start the container at all. The exit code is 128 then, and means nothing. */
const startErrorReason = 'StartError';

/** Returns why the container runtime could not start a container, from the runtime's message. */
export function startErrorMeaning(session: Session, container: string, message: string): string {
  // The message is a chain of errors, and the last link has the cause.
  const cause = message.replace(/^.*unable to start container process: /, '').replace(/: unknown$/, '');
  const isUsersImage = usersImage.includes(container);
  const remedy = isUsersImage ? remedyFor(session) : ofPlatform;
  if (container === sessionContainer.imageDownload.name && /exec: "sh"/.test(cause)) return noShellMeaning(session);
  if (/exec format error/.test(cause)) return `${otherArchitecture} ${remedy}`;
  if (/no space left on device/.test(cause)) {
    return `The session could not be started, because the disk of the machine is full (${cause}). Launch it again, and tell the administrator if it fails again.`;
  }
  if (isUsersImage && /exec: .*(not found|no such file)/.test(cause)) {
    return `The image does not contain the required command to start a session: ${cause}. ${remedy}`;
  }
  const quoted = cause === '' ? '' : `: ${cause}`;
  return `The cluster could not start the container "${container}" of the session${quoted}. ${remedy}`;
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
