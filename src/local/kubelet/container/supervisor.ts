import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  supervisorFile,
  supervisorFolder,
  supervisorProgram,
  supervisorVariable,
} from '../../../session-contract/supervisor.ts';
import { createSupervisor } from '../../../session-tools/agent/supervisor.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import type { PodContext } from '../pod/context.ts';
import type { Container } from '../types.ts';
import { errorMessage } from './error-message.ts';

/** This project's programs, which a pod on a cluster has in `supervisorFolder.programs`. */
const programs = fileURLToPath(new URL('../../../../session-python', import.meta.url));

/** Returns the folder of the session's supervisor; undefined if the session has none. */
export function supervisorState(container: Container, { directory }: PodContext): string | undefined {
  const mount = container.volumeMounts?.find(({ mountPath }) => mountPath === supervisorFolder.shared);
  return mount && join(directory.volume(mount.name), relative(supervisorFolder.shared, supervisorFolder.state));
}

/** Returns the command line that starts the Jupyter server of `command` under the supervisor. */
export const supervised = (state: string, command: readonly string[]): string[] => [
  'sh',
  join(programs, supervisorProgram.start),
  state,
  ...command,
];

/** Returns the variable with which the supervisor runs in this Python, which every session has. `start.sh` removes the variable. */
export const supervisorVariables = ({ python }: PythonEnvironment): Record<string, string> => ({
  SESSION_KERNELS_PYTHON: python,
});

/** Returns the variable with which kernels listen on TCP ports: criu cannot save a process with connections by Unix sockets. */
export const kernelVariables = (own: Readonly<Record<string, string>>): Record<string, string> =>
  own[supervisorVariable.criu] === undefined ? {} : { NOTEBOOK_SESSIONS_KERNELS_ON_TCP: '1' };

/** Returns why the supervisor with this folder does not respond; undefined if it does. */
export async function supervisorFailure(
  state: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  try {
    await createSupervisor({ socketPath: join(state, supervisorFile.socket) })('GET', '/health', Buffer.alloc(0), stop);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return errorMessage(error);
  }
}
