import { dirname, join } from 'node:path';
import { cloneVariable } from '../../../session-contract/clone.ts';
import { sessionContainer } from '../../../session-contract/containers.ts';
import type { ImageBuild, ProvidedImage } from '../../images/types.ts';
import { makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import { overlaySettings, overlayVariables } from '../../python/overlay.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import { choosePort } from '../pod/addresses.ts';
import { CannotStart, type PodContext } from '../pod/context.ts';
import type { Container } from '../types.ts';
import { isAtOrBelow, type Mount, realPath, rewriteValue } from '../volumes/mounts.ts';
import { makeMounts, makeWorkingDirectory } from '../volumes/volumes.ts';
import { agentProgram, agentRpcPort, agentVariables } from './agent.ts';
import { provideCertificates } from './certificates.ts';
import { MissingReference, machineVariables, resolveVariables } from './environment-variables.ts';
import { gitVariables } from './git-credentials.ts';
import { withOwnIdentity } from './git-identity.ts';
import { gitProxyProgram, gitProxyVariables, hasGitProxy, readTokenVariables } from './git-proxy.ts';
import { providedImage, requireImage } from './image.ts';
import { chooseToken, jupyterCommand, jupyterVariables, statusPath, writeJupyterFile } from './jupyter.ts';
import { roleOf } from './role.ts';
import { agentServer, type ContainerServer, jupyterServer } from './server.ts';
import { kernelVariables, supervisorState, supervisorVariables } from './supervisor.ts';

/** The way in which a container is started. */
export type Launch =
  | {
      kind: 'process';
      command: string[];
      workingDirectory: string;
      variables: Record<string, string>;
      /** Set for a container whose server the kubelet probes. */
      server?: ContainerServer;
    }
  /** The kubelet does the work of the container without a process. `image` is set for the container that provides the image. */
  | { kind: 'done'; image?: ProvidedImage | ImageBuild }
  /** Another part of the platform does the work of the container until the pod ends. */
  | { kind: 'external' };

/**
 * Prepares the start of a container: image, variables, mounts, folders, port. Throws CannotStart with the reason that
 * Kubernetes would report.
 */
export async function prepareLaunch(
  container: Container,
  init: boolean,
  pod: PodContext,
  signal: AbortSignal,
): Promise<Launch> {
  const role = roleOf(container, init);
  if (role === 'proxy') return { kind: 'external' };
  if (role === 'image') return { kind: 'done', image: await requireImage(container, pod, signal) };
  const mounts = await mount(container, init, pod);
  if (role === 'certificates') {
    await provideCertificates(mounts);
    return { kind: 'done' };
  }
  const scratch = pod.directory.scratch(container.name);
  const workingDirectory = await makeWorkingDirectory(container.workingDir ?? '/', mounts, scratch);
  const place: Place = { container, pod, mounts, workingDirectory };
  return {
    kind: 'process',
    workingDirectory,
    ...(await command(role, place, signal)),
  };
}

function command(
  role: 'clone' | 'git-credentials' | 'repository' | 'jupyter',
  place: Place,
  signal: AbortSignal,
): Promise<Command> {
  switch (role) {
    case 'clone':
      return clone(place);
    case 'git-credentials':
      return gitProxy(place);
    case 'repository':
      return agent(place);
    case 'jupyter':
      return jupyter(place, signal);
  }
}

interface Place {
  readonly container: Container;
  readonly pod: PodContext;
  readonly mounts: readonly Mount[];
  readonly workingDirectory: string;
}

type Command = Pick<Extract<Launch, { kind: 'process' }>, 'command' | 'variables' | 'server'>;

async function clone({ container, pod, mounts }: Place): Promise<Command> {
  const own = resolved(mounts, () => resolveVariables(container, pod.pod, pod.references));
  const machine = machineVariables(process.env, []);
  const variables = {
    ...machine,
    ...compileCache(),
    ...(await withOwnIdentity(own, machine)),
    ...(await gitProxyVariables(pod)),
    ...(await readTokenVariables(container, own, pod)),
    // Sessions use the programs of this machine.
    [cloneVariable.supervisorPrograms]: '',
  };
  return { command: [process.execPath, pod.machine.gitClone], variables };
}

/**
 * Returns the variable with the folder of compiled code. With it, a program starts 80 ms earlier and uses 30 MB less memory, because
 * Node.js does not load its compiler for TypeScript.
 */
function compileCache(): Record<string, string> {
  const folder = process.env['NODE_COMPILE_CACHE'];
  return folder ? { NODE_COMPILE_CACHE: folder } : {};
}

async function gitProxy({ container, pod, mounts }: Place): Promise<Command> {
  const own = resolved(mounts, () => resolveVariables(container, pod.pod, pod.references));
  const variables = {
    ...machineVariables(process.env, []),
    ...compileCache(),
    ...own,
    ...(await gitProxyVariables(pod)),
    ...(await readTokenVariables(container, own, pod)),
  };
  return { command: [process.execPath, gitProxyProgram], variables };
}

async function agent({ container, pod, mounts }: Place): Promise<Command> {
  const variables = {
    ...machineVariables(process.env, []),
    ...compileCache(),
    ...resolved(mounts, () => resolveVariables(container, pod.pod, pod.references)),
    ...(await agentVariables(pod, mounts)),
  };
  return { command: [process.execPath, agentProgram], variables, server: agentServer(pod, await agentRpcPort(pod)) };
}

async function jupyter(place: Place, signal: AbortSignal): Promise<Command> {
  const { container, pod, mounts, workingDirectory } = place;
  const own = resolved(mounts, () => resolveVariables(container, pod.pod, pod.references));
  const { directory, address } = pod;
  const environment = await providedImage(container, pod, signal);
  const token = await chooseToken(directory, own['SERVER_APP_TOKEN']);
  const server = await jupyterVariables(directory, token, pod.machine.pagesUrl);
  const machine = {
    ...machineVariables(process.env, []),
    ...(hasGitProxy(pod) ? {} : await gitVariables(pod)),
    ...own,
  };
  const overlay = await prepareOverlay(environment, overlayFolder(place), machine);
  const wanted = sessionContainer.jupyter.port;
  const port = await choosePort(address, wanted);
  if (port !== wanted) {
    const used = `Port ${wanted} of ${address} is used by another program; the server listens on port ${port}`;
    pod.event('Warning', 'PortUnavailable', used);
  }
  const path = statusPath(container).replace(/\/api\/status$/, '');
  const supervisor = supervisorState(container, pod);
  await writeJupyterFile(directory, { url: `http://${address}:${port}${path}`, token });
  return {
    command: jupyterCommand({ environment, directory, mounts, workingDirectory, address, port, supervisor }),
    variables: {
      ...machine,
      ...overlay,
      ...server,
      ...(supervisor === undefined ? {} : supervisorVariables(environment)),
      ...kernelVariables(own),
    },
    server: jupyterServer(container, pod, port, token),
  };
}

/**
 * Returns the folder of the overlay environment. The environment must exist as long as the session's files, so the folder is
 * beside the work tree, in the root of the volume that contains the tree. Without such a volume, or if the work tree is the
 * root of the volume, the folder is in the pod's folder.
 */
function overlayFolder({ container: { workingDir = '/' }, mounts, pod }: Place): string {
  const workTree = realPath(mounts, workingDir);
  const volume = mounts.find(
    ({ source }) => workTree !== undefined && workTree !== source && isAtOrBelow(workTree, source),
  );
  return volume ? join(volume.source, '.environment') : pod.directory.environment;
}

async function prepareOverlay(
  environment: PythonEnvironment,
  folder: string,
  variables: Record<string, string>,
): Promise<Record<string, string>> {
  const { file, content } = overlaySettings(environment);
  await makeDirectory(dirname(join(folder, file)));
  await writePrivateFile(join(folder, file), content);
  const { PATH: path = '', JUPYTER_PATH: jupyterPath } = variables;
  return overlayVariables(environment, folder, { path, jupyterPath });
}

async function mount(container: Container, init: boolean, pod: PodContext): Promise<Mount[]> {
  let volumes: ReadonlyMap<string, string>;
  try {
    volumes = await pod.volumes();
  } catch (error) {
    if (!(error instanceof MissingReference)) throw error;
    throw new CannotStart(init ? 'PodInitializing' : 'ContainerCreating', `MountVolume.SetUp failed: ${error.message}`);
  }
  return await makeMounts(container, volumes);
}

/** Returns the container's variables, with paths of the container replaced by those of this machine. */
function resolved(mounts: readonly Mount[], resolve: () => Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(resolve()).map(([name, value]) => [name, rewriteValue(mounts, value)]));
  } catch (error) {
    if (!(error instanceof MissingReference)) throw error;
    throw new CannotStart('CreateContainerConfigError', error.message);
  }
}
