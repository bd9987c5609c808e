import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { SessionEndpoint } from '../../cluster.ts';
import { makeDirectory, writePrivateFile } from '../../machine/private-files.ts';
import { overlaySettings, overlayVariables } from '../../python/overlay.ts';
import type { PythonEnvironment } from '../../python/types.ts';
import { choosePort } from '../pod/addresses.ts';
import { CannotStart, type ImageBuild, type PodContext, type ProvidedImage } from '../pod/context.ts';
import type { Container } from '../types.ts';
import { isAtOrBelow, type Mount, realPath, rewriteValue } from '../volumes/mounts.ts';
import { makeMounts, makeWorkingDirectory } from '../volumes/volumes.ts';
import { MissingReference, machineVariables, resolveVariables } from './environment-variables.ts';
import { cloneVariables, gitVariables } from './git-credentials.ts';
import { withOwnIdentity } from './git-identity.ts';
import { providedImage, requireImage } from './image.ts';
import { chooseToken, jupyterCommand, jupyterPort, jupyterVariables } from './jupyter.ts';
import { type Role, roleOf, unknownRole } from './roles.ts';

/** What it takes to bring a container up. */
export type Launch =
  | {
      kind: 'process';
      command: string[];
      workingDirectory: string;
      variables: Record<string, string>;
      /** Of a Jupyter server. */
      server?: SessionEndpoint;
    }
  /** Done by the kubelet itself; there is no process. */
  | { kind: 'completed'; image?: ProvidedImage }
  /** The same, where it may take minutes. */
  | { kind: 'build'; image: ImageBuild }
  /** Done by another part of the platform for as long as the pod lives. */
  | { kind: 'standing' };

/**
 * Prepares a container's start: image, variables, mounts, folders, port. Throws CannotStart with what Kubernetes would
 * show while the container waits.
 */
export async function prepareLaunch(
  container: Container,
  init: boolean,
  pod: PodContext,
  signal: AbortSignal,
): Promise<Launch> {
  const role = roleOf(container, init);
  if (!role) throw new CannotStart('CreateContainerError', unknownRole(container, init));
  if (role === 'proxy') return { kind: 'standing' };
  if (role === 'image') {
    const image = await requireImage(container, pod, signal);
    return 'build' in image ? { kind: 'build', image } : { kind: 'completed', image };
  }
  const mounts = await mount(container, init, pod);
  if (role === 'certificates') {
    await provideCertificates(mounts);
    return { kind: 'completed' };
  }
  const own = variables(role, container, pod, mounts);
  const scratch = pod.directory.scratch(container.name);
  const workingDirectory = await makeWorkingDirectory(container.workingDir ?? '/', mounts, scratch);
  if (role === 'git-clone') {
    const machine = machineVariables(process.env, []);
    // It is a program of ours that every launch waits for: with what was compiled before, it begins 80 ms sooner.
    const compiled = process.env['NODE_COMPILE_CACHE'];
    return {
      kind: 'process',
      command: [process.execPath, pod.machine.gitClone],
      workingDirectory,
      variables: {
        ...machine,
        ...(compiled ? { NODE_COMPILE_CACHE: compiled } : {}),
        ...(await withOwnIdentity(own, machine)),
      },
    };
  }
  const environment = await providedImage(container, pod, signal);
  const token = await chooseToken(pod.directory, own['SERVER_APP_TOKEN']);
  const jupyter = await jupyterVariables(pod.directory, token, pod.machine.pagesUrl);
  const git = await gitVariables(pod);
  const machine = { ...machineVariables(process.env, []), ...git, ...own };
  const overlay = await prepareOverlay(environment, overlayFolder(container, mounts, pod), machine);
  const server = { address: pod.address, port: await choosePort(pod.address, jupyterPort), token };
  if (server.port !== jupyterPort) {
    const taken = `Port ${jupyterPort} of ${pod.address} is used by another program; the server listens on port ${server.port}`;
    pod.event('Warning', 'PortUnavailable', taken);
  }
  return {
    kind: 'process',
    command: jupyterCommand({ environment, directory: pod.directory, mounts, workingDirectory, ...server }),
    workingDirectory,
    variables: { ...machine, ...overlay, ...jupyter },
    server,
  };
}

/**
 * The overlay environment lives as long as the session's files, beside the work tree: at the root of the volume that
 * holds it. Where there is no such volume, or the work tree is its root, it lives in the pod's folder.
 */
function overlayFolder({ workingDir = '/' }: Container, mounts: readonly Mount[], pod: PodContext): string {
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

function variables(
  role: Role,
  container: Container,
  pod: PodContext,
  mounts: readonly Mount[],
): Record<string, string> {
  try {
    const resolved =
      role === 'git-clone' ? cloneVariables(container, pod) : resolveVariables(container, pod.pod, pod.references);
    return Object.fromEntries(Object.entries(resolved).map(([name, value]) => [name, rewriteValue(mounts, value)]));
  } catch (error) {
    if (!(error instanceof MissingReference)) throw error;
    throw new CannotStart('CreateContainerConfigError', error.message);
  }
}

const machineBundles = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];
const bundleName = 'ca-certificates.crt';

/** The pod's variables name this file in the volume that the step fills in a cluster: here it is the machine's own. */
async function provideCertificates(mounts: readonly Mount[]): Promise<void> {
  const target = mounts.find(({ path }) => path === '/etc/ssl/certs');
  if (!target) return;
  const place = join(target.source, bundleName);
  if (existsSync(place)) return;
  await makeDirectory(target.source);
  const found = [process.env['SSL_CERT_FILE'], ...machineBundles].find((file) => file && existsSync(file));
  if (found) await symlink(found, place);
  else await writePrivateFile(place, rootCertificates.join('\n'));
}
