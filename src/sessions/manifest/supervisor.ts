import { isOwnProgram } from '../../config/own-program.ts';
import type { ManifestConfig } from '../../config/types.ts';
import { sessionPath } from '../../jupyter-server/session-path.ts';
import { agentFolder, agentVariable } from '../../session-contract/agent.ts';
import { cloneVariable } from '../../session-contract/clone.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import {
  type SupervisorAbsence,
  snapshotsFolder,
  supervised,
  supervisorFile,
  supervisorFolder,
  supervisorProgram,
  supervisorVariable,
} from '../../session-contract/supervisor.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput, mountPathOf } from './input.ts';

const programsVolume = 'session-python';
const sharedVolume = 'session-supervisor';

/**
 * Returns why Jupyter does not run under the supervisor; undefined if Jupyter does. The supervisor is put in front of the arguments of
 * Jupyter's container, so the entrypoint of the image must run its arguments as they are.
 */
export function supervisorAbsence(
  { image }: ManifestInput,
  { sessions }: ManifestConfig,
): SupervisorAbsence | undefined {
  const mode =
    sessions.supervisor_images.find(({ pattern }) => matches(image.reference, pattern))?.supervisor ??
    sessions.supervisor;
  // The programs of the supervisor come with this project's git-clone.
  if (mode === 'off' || !isOwnProgram(sessions.git_clone)) return 'off';
  if (image.jupyter === 'entrypoint') return 'starts-jupyter';
  if (mode === 'on' || image.runsArguments) return undefined;
  if (image.runsArguments === false) return 'entrypoint';
  // The default image is not looked up. That of this project has a known entrypoint.
  return isOwnProgram({ image: image.reference, program: 'auto' }) ? undefined : 'unknown';
}

export const hasSupervisor = (input: ManifestInput, config: ManifestConfig): boolean =>
  supervisorAbsence(input, config) === undefined;

/** Returns whether the whole reference of an image matches a pattern, in which `*` stands for any characters. */
function matches(reference: string, pattern: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return reference === pattern;
  const end = reference.length - last.length;
  if (!reference.startsWith(first) || !reference.endsWith(last)) return false;
  // The first place of each part leaves the most room for the others.
  let position = first.length;
  for (const part of parts) {
    const found = reference.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return position <= end;
}

/**
 * Sets the arguments of the image's entrypoint: the command that it starts, as in renku-notebooks, under the supervisor. An entrypoint
 * that is itself a Jupyter server gets no arguments, and an image whose default command is JupyterLab may lack Jupyter Notebook.
 */
export function commandArguments(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  const { jupyter } = input.image;
  if (jupyter === 'entrypoint') return [];
  const command = ['jupyter', jupyter === 'lab' ? 'lab' : 'notebook'];
  const args = hasSupervisor(input, config) ? supervised(command) : command;
  return [jsonPatch(add(`/containers/${containerIndex.jupyterServer}/args`, args))];
}

/**
 * Adds the folders of the supervisor to Jupyter's container. The liveness probe asks the supervisor, which starts a Jupyter server again
 * that has ended or does not respond; with a probe of Jupyter, the kubelet would end the container, and all kernels with it. The
 * operator's other probes still ask Jupyter.
 */
export function supervisor(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  if (!hasSupervisor(input, config)) return [];
  const container = `/containers/${containerIndex.jupyterServer}`;
  const { port, probe } = sessionContainer.jupyter;
  const url = `http://127.0.0.1:${port}${sessionPath(input.name)}${probe.path}`;
  const program = `${supervisorFolder.programs}/${supervisorProgram.alive}`;
  return [
    jsonPatch(
      add('/volumes/-', { name: programsVolume, emptyDir: { sizeLimit: '16Mi' } }),
      add('/volumes/-', { name: sharedVolume, emptyDir: {} }),
      add(`${container}/volumeMounts/-`, { ...programsMount, readOnly: true }),
      add(`${container}/volumeMounts/-`, sharedMount),
      add(`${container}/env/-`, {
        name: supervisorVariable.snapshots,
        value: `${mountPathOf(input, config)}/${agentFolder}/${snapshotsFolder}`,
      }),
      add(`${container}/env/-`, { name: supervisorVariable.image, value: input.image.reference }),
      ...criu(container, config),
      add(`${container}/livenessProbe`, {
        exec: { command: ['sh', program, supervisorFolder.state, url] },
        // Each probe starts an interpreter of Python in the container.
        periodSeconds: 30,
        timeoutSeconds: 20,
        failureThreshold: 4,
      }),
    ),
  ];
}

/** What criu needs to save and restore processes of the same user, as measured: the second one for a restore. */
const criuCapabilities = { drop: ['ALL'], add: ['CHECKPOINT_RESTORE', 'SETPCAP'] };

function criu(container: string, { sessions }: ManifestConfig) {
  if (!sessions.snapshots.criu) return [];
  return [
    add(`${container}/env/-`, { name: supervisorVariable.criu, value: 'criu' }),
    // An administrator who sets the capabilities knows better.
    ...(Object.hasOwn(sessions.security_context, 'capabilities')
      ? []
      : [add(`${container}/securityContext/capabilities`, criuCapabilities)]),
  ];
}

/** The mount with which `git-clone` writes the programs. */
export const programsMount = { name: programsVolume, mountPath: supervisorFolder.programs };
const sharedMount = { name: sharedVolume, mountPath: supervisorFolder.shared };
export const programsVariable = { name: cloneVariable.supervisorPrograms, value: supervisorFolder.programs };

/** Returns the mounts of the agent, which passes requests on to the supervisor. */
export const agentMounts = (input: ManifestInput, config: ManifestConfig): object[] =>
  hasSupervisor(input, config) ? [{ ...sharedMount, readOnly: true }] : [];

/** Returns the variable with which the agent finds the supervisor, or knows why there is none. */
export function agentSupervisorVariable(input: ManifestInput, config: ManifestConfig): Record<string, string> {
  const absence = supervisorAbsence(input, config);
  return absence === undefined
    ? { [agentVariable.supervisorSocket]: `${supervisorFolder.state}/${supervisorFile.socket}` }
    : { [agentVariable.supervisorAbsence]: absence };
}
