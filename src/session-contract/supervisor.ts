/**
 * How a session starts its Jupyter server under the supervisor (session-python/), on a cluster and on one machine. `git-clone` copies
 * the programs from its image into the folder `programs`, because the image of the session has none of them.
 */

/** Where the programs and the state of the supervisor are in a pod. */
export const supervisorFolder = {
  /** The content of session-python: read-only for Jupyter. */
  programs: '/run/notebook-sessions-python',
  /** The root of an emptyDir that Jupyter's container and the agent's share. The root may belong to another user. */
  shared: '/run/notebook-sessions-supervisor',
  /** The folder of the supervisor, which creates the folder with mode 0700: socket, records of kernels, logs. */
  state: '/run/notebook-sessions-supervisor/state',
} as const;

/** Files in the folder `programs`. */
export const supervisorProgram = {
  /** `sh start.sh STATE COMMAND [ARGUMENT ...]`: runs the command under the supervisor, or without it where that is not possible. */
  start: 'start.sh',
  /** `sh alive.sh STATE URL`: exit code 0 if the supervisor responds, or, without a supervisor, Jupyter at this URL. */
  alive: 'alive.sh',
} as const;

/** Files in the folder `state`. */
export const supervisorFile = {
  socket: 'supervisor.sock',
  /** Why Jupyter runs without the supervisor: one sentence for the owner. `start.sh` writes the file. */
  unavailable: 'unavailable',
  /** The number of starts in a row in which Jupyter did not become ready. The supervisor removes the file when Jupyter is ready. */
  failedStarts: 'failed-starts',
} as const;

/** Environment variables of Jupyter's container. The supervisor does not pass them on. */
export const supervisorVariable = {
  /** Folder for snapshots on the session's volume, which outlives the pod. By default, they are in the folder `state`. */
  snapshots: 'SESSION_KERNELS_SNAPSHOTS',
  /** The reference of the session's image: the snapshots of a hibernation are restored in the same image only. */
  image: 'SESSION_KERNELS_IMAGE',
  /** The program criu: its name or path. Without the variable, only variables of kernels are saved. */
  criu: 'SESSION_KERNELS_CRIU',
} as const;

/** Name of that folder, in the folder of the agent (`agentFolder`). */
export const snapshotsFolder = 'snapshots';

/** Returns the arguments of Jupyter's container: `command` under the supervisor. */
export const supervised = (command: readonly string[]): string[] => [
  'sh',
  `${supervisorFolder.programs}/${supervisorProgram.start}`,
  supervisorFolder.state,
  ...command,
];

/**
 * Why a session has no supervisor, decided at the launch. The agent gets the key in `agentVariable.supervisorAbsence` and tells the
 * owner the sentence.
 */
export const supervisorAbsence = {
  off: 'The platform does not use the supervisor for this image, so kernels end with their Jupyter server.',
  entrypoint:
    'The image has an entrypoint of its own, which may not run the supervisor, so kernels end with their Jupyter server. An administrator of the platform can allow the supervisor for this image.',
  'starts-jupyter':
    'The entrypoint of the image starts Jupyter itself and not under the supervisor, so kernels end with their Jupyter server.',
  unknown:
    'The platform does not know the entrypoint of the image, so kernels end with their Jupyter server. An administrator of the platform can allow the supervisor for this image.',
} as const;

export type SupervisorAbsence = keyof typeof supervisorAbsence;

export const isSupervisorAbsence = (text: string): text is SupervisorAbsence => Object.hasOwn(supervisorAbsence, text);
