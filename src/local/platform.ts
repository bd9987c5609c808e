import { mkdirSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Logger } from 'pino';
import packageJson from '../../package.json' with { type: 'json' };
import { Deadline } from '../lib/deadline.ts';
import { resource } from '../platform/kubernetes/resources.ts';
import { createLogger } from '../platform/logging/logger.ts';
import { createSessionAgents } from '../platform/session-agent/client.ts';
import { createApiServer } from './api-server/api-server.ts';
import { openCluster } from './api-server/open-cluster.ts';
import type { Cluster } from './cluster.ts';
import { type CommandLine, localUser } from './command-line.ts';
import {
  kubeconfig,
  namespace,
  operatorEnvironment,
  type PlatformFacts,
  pagesOrigin,
  serviceEnvironment,
} from './environment.ts';
import type { ProjectPath } from './first-session.ts';
import { createForgeAccess } from './forge/access.ts';
import { createForge, type Forge } from './forge/forge.ts';
import { createGateway } from './gateway/gateway.ts';
import { type Listener, type ListenOptions, listen, PortTaken } from './http/listen.ts';
import { isHeldBy } from './http/peer.ts';
import { ensureTls } from './http/tls.ts';
import { type CommitImages, createCommitImages } from './images/commit-images.ts';
import type { Images } from './images/types.ts';
import { createIngress } from './ingress/ingress.ts';
import { createKubelet } from './kubelet/kubelet.ts';
import { saveSessions } from './last-saves.ts';
import type { Terminal } from './machine/terminal.ts';
import { createAddresses } from './origins/origins.ts';
import { keepRunning, type Program } from './program.ts';
import { preparePython } from './python/prepare.ts';
import type { PythonEnvironment } from './python/types.ts';
import { untilReady } from './ready.ts';
import { createRegistry, type LocalImage } from './registry/registry.ts';
import { createRouter } from './router.ts';
import type { State } from './state.ts';
import { keptSecret, readKept, writePrivate } from './state-files.ts';

const source = join(import.meta.dirname, '..');
/** Long enough for a machine that is busy with other work. */
const serviceStartMs = 90_000;
/**
 * Time limits for the end of all sessions, with their last saves, and of the listeners after them. The sum must be less than 15 s: a
 * user waits that long at the terminal after Ctrl-C.
 */
const sessionsMs = 13_000;
const connectionsGraceMs = 1_000;
/** The grace period of a session's processes after its last save. */
const sessionGraceMs = 4_000;
/** Lifetime of the token with which an anonymous session reads its repository. For users, see `gateway/tokens.ts`. */
const readTokenMs = 60 * 24 * 60 * 60 * 1000;
/** The delay keeps this work out of the start, which has to be fast. */
const firstHousekeepingMs = 60_000;
const housekeepingMs = 24 * 3_600_000;

export interface Platform {
  /** Address for programs of this machine. */
  origin: string;
  /** Address for users: the public address, if there is one. */
  publicOrigin: string;
  signInLink(next?: string): string;
  forge: Forge | undefined;
  /** The user's own repositories, in the order of the command line. */
  ownProjects: readonly ProjectPath[];
  /** Cookie file for `curl -b`. */
  cookieFile: string;
  /** The local user's Cookie header, for this process. */
  cookieHeader: string;
  /** Saves the work of the sessions, and stops all parts in order. */
  stop(): Promise<void>;
}

export interface PlatformSignals {
  /** Interrupts the start: what has started is stopped in order, as by `stop`. */
  readonly stop: AbortSignal;
  /** Shortens the stop: saves are not completed, and the processes of sessions are killed. */
  readonly hurry: AbortSignal;
}

/**
 * Creates all parts of the local platform and starts them. If a part cannot start, those before it are stopped in reverse
 * order.
 */
export async function startPlatform(
  options: CommandLine,
  state: State,
  terminal: Terminal,
  { stop: signal, hurry }: PlatformSignals,
): Promise<Platform> {
  const { port } = options;
  const addresses = createAddresses(port, options.published);
  const origin = addresses.local.pages;
  mkdirSync(state.path('logs'), { recursive: true, mode: 0o700 });
  const log = createLogger({ name: 'platform', file: state.path('logs', 'platform.log') });
  await using parts = new AsyncDisposableStack();

  // The longest step of a first start runs in parallel with the others.
  const pythonReady = preparePython({
    cacheDir: options.cacheDir,
    progress: (line, isTransient) => (isTransient ? terminal.progress(line) : terminal.detail(line)),
    signal,
  });
  // Awaited further down. An earlier rejection must not count as unhandled.
  pythonReady.catch(() => undefined);

  const cluster = parts.adopt(openCluster({ path: state.path('cluster.sqlite'), log }), (store) => store.close());
  ensureNamespace(cluster);
  const tls = await ensureTls(state.path('tls'));
  const key = (name: string) => state.path('keys', name);
  mkdirSync(state.path('keys'), { recursive: true, mode: 0o700 });
  const token = keptSecret(key('kubernetes-token'), { log });
  const api = parts.adopt(createApiServer({ cluster, token, log }), (server) => server.close());

  const user = localUser();
  const ownProjects: ProjectPath[] = [];
  const forge = options.gitUrl === undefined ? await openForge(options, state, terminal, log, ownProjects) : undefined;
  if (forge) parts.defer(() => forge.close());
  const gitUrl = options.gitUrl ?? `${origin}/forge`;
  const socketPath = state.path('service.sock');
  const userOfGitToken = (token: string): string | undefined => {
    if (forge) return forge.userOf(token);
    // With a real GitLab, all users of the platform use the token of the machine's owner.
    return token !== '' && token === process.env['GITLAB_TOKEN'] ? user.username : undefined;
  };
  const gateway = await createGateway({
    stateDir: state.path('gateway'),
    cookieFile: state.path('cookies.txt'),
    addresses,
    user,
    gitUrl,
    issueGitToken: forge
      ? (who, expiresAt) => forge.issueToken(who, expiresAt)
      : () => ({ token: process.env['GITLAB_TOKEN'] || null, expiresAt: null }),
    userOfGitToken,
    serviceSocket: socketPath,
    log,
  });
  parts.defer(() => gateway.close());

  const environment = await whilePrinting(pythonReady, terminal);
  const running: { service?: Program } = {};
  // The service sends requests for anonymous users to forge and registry without a token.
  const isService = ({ socket }: IncomingMessage): boolean => {
    const pid = running.service?.pid;
    return pid !== undefined && isHeldBy(socket, pid);
  };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  // With a real GitLab, images of commits are in its own registry.
  const commits =
    forge &&
    createCommitImages({
      ...{ environment, cacheDir: options.cacheDir, env: process.env, marker: state.marker, log },
      registry: `127.0.0.1:${port}`,
      source: { files: (...request) => forge.commitFiles(...request) },
    });
  commits?.prepare(signal).catch((error: unknown) => {
    if (!signal.aborted)
      log.warn({ err: error }, 'the Python environment could not be prepared for builds; the first build does it');
  });
  const registry = createRegistry({
    images: localImages(environment, architecture),
    commits: commits && {
      has: commits.has,
      mayPull: (project, username) => forge.mayReadCode(project, username),
      architecture,
    },
    origin,
    userOf: userOfGitToken,
    isService,
  });
  const [defaultImage = ''] = registry.references;
  const inRegistry = (name: string) => `127.0.0.1:${port}/${name}`;
  const images: Images = new Map(registry.names.map((name) => [inRegistry(name), environment]));
  const kubelet = createKubelet({
    cluster,
    stateDir: state.directory,
    environment,
    cacheDir: options.cacheDir,
    images: commits ? Object.assign(images, { find: commits.find }) : images,
    marker: state.marker,
    pagesUrl: `${addresses.external.pages}/notebooks/`,
    gatewayUrl: origin,
    ...(forge ? { readToken: (url: string) => forge.issueReadToken(url, new Date(Date.now() + readTokenMs)) } : {}),
    log,
  });
  api.setNode(kubelet.node);
  const ingress = createIngress({
    cluster,
    endpoint: kubelet.endpoint,
    agentRpc: kubelet.agentRpc,
    gateway,
    namespace,
    log,
  });
  parts.defer(() => ingress.close());

  const router = createRouter({
    addresses,
    gateway,
    forge: forge && createForgeAccess({ forge, gitAccess: gateway.gitAccess, isService }),
    registry: registry.handle,
    ingress,
  });
  const listener = await listen({ port, ...router, log });
  parts.defer(() => listener.close(connectionsGraceMs));
  const kubernetes = await listenOnFormerPort(state.path('kubeconfig'), { handle: api.handler, tls, log });
  parts.defer(() => kubernetes.close(connectionsGraceMs));
  state.announce(origin);
  writePrivate(state.path('kubeconfig'), kubeconfig(kubernetes.port, tls.cert, token));

  const facts: PlatformFacts = {
    port,
    stateDir: state.directory,
    gitUrl,
    defaultImage: inRegistry(defaultImage),
    cookieSecret: keptSecret(key('cookie-secret'), {
      loss: 'Then the sessions of anonymous visitors are not found.',
    }),
    oidcClientSecret: keptSecret(key('oidc-client-secret'), { log }),
    agentSecret: keptSecret(key('agent-secret'), {
      loss: 'Then the work of sessions that exist already cannot be saved when they are stopped.',
    }),
    version: packageJson.version,
    kernelsOnTcp: options.kernelsOnTcp,
  };
  // A killed service leaves its socket behind.
  rmSync(socketPath, { force: true });
  const program = (name: string, entry: string, env: Record<string, string>) =>
    parts.adopt(
      keepRunning({
        name,
        entry: join(source, entry),
        env,
        logFile: state.path('logs', `${name}.log`),
        processFile: state.path(`${name}.process`),
        log,
      }),
      (started) => started.stop(),
    );
  const service = program('service', 'main.ts', serviceEnvironment(facts, process.env));
  running.service = service;
  program('operator', 'operator/main.ts', operatorEnvironment(facts, process.env));

  await kubelet.start();
  const agents = parts.adopt(createSessionAgents(), (client) => client.close());
  parts.defer(async () => {
    const deadline = Deadline.after(sessionsMs);
    const { agentSecret } = facts;
    let saved: ReadonlySet<string> = new Set();
    try {
      saved = await saveSessions({ cluster, namespace, agents, agentSecret, terminal, log }, hurry);
    } finally {
      const graceMs = Math.min(sessionGraceMs, Math.ceil(deadline.remaining()));
      await kubelet.stop({ graceMs, saved, hurry });
    }
  });
  try {
    await untilReady(socketPath, Deadline.after(serviceStartMs, signal));
  } catch (error) {
    throw new Error(
      `The service did not start. The end of ${state.path('logs', 'service.log')}:\n${service.logTail(15)}`,
      { cause: error },
    );
  }

  if (commits) parts.adopt(startHousekeeping(commits, log), (ended) => ended.abort());
  const started = parts.move();
  return {
    origin,
    publicOrigin: addresses.external.pages,
    forge,
    ownProjects,
    cookieFile: state.path('cookies.txt'),
    cookieHeader: gateway.cookieHeader,
    signInLink: (next) => gateway.signInLink(next),
    stop: () => started.disposeAsync(),
  };
}

/** Removes unused environments of commits once a day, and for the first time a while after the start. */
function startHousekeeping(commits: CommitImages, log: Logger): AbortController {
  const ended = new AbortController();
  const clean = () => {
    commits.prune(ended.signal).catch((error: unknown) => {
      if (!ended.signal.aborted) log.error({ err: error }, 'unused environments could not be removed');
    });
  };
  const timers = [setTimeout(clean, firstHousekeepingMs), setInterval(clean, housekeepingMs)];
  ended.signal.addEventListener('abort', () => {
    for (const timer of timers) clearTimeout(timer);
  });
  return ended;
}

async function openForge(
  options: CommandLine,
  state: State,
  terminal: Terminal,
  log: Logger,
  ownProjects: ProjectPath[],
): Promise<Forge> {
  const forge = await createForge({
    directory: state.path('forge'),
    publicUrl: `${pagesOrigin(options.port)}/forge`,
    localUser: localUser(),
    log,
  });
  await forge.ensureDemoProject();
  for (const path of options.projects) {
    const visibility = options.publicProjects.includes(path) ? 'public' : 'private';
    const { project, uncommittedFiles } = await forge.addExistingRepository({ path, visibility });
    ownProjects.push({ namespace: project.namespace, project: project.path });
    terminal.step(`serving ${path} as ${project.namespace}/${project.path}`);
    if (uncommittedFiles) {
      const files = uncommittedFiles === 1 ? '1 file' : `${uncommittedFiles} files`;
      terminal.detail(`uncommitted changes in ${files} are not part of sessions: commit them first`);
    }
  }
  return forge;
}

/** Returns the images of this machine: its Python environment, under a name with the Python version. */
function localImages({ versions, description }: PythonEnvironment, architecture: string): LocalImage[] {
  const [major, minor] = versions.python.split('.');
  const image = { name: 'images/jupyter', description, architecture };
  return [
    { ...image, tag: 'latest' },
    { ...image, tag: `python-${major}.${minor}` },
  ];
}

/** Prints a heading if `work` takes long. On a first start, `work` may take minutes. */
async function whilePrinting<Result>(work: Promise<Result>, terminal: Terminal): Promise<Result> {
  const heading = setTimeout(
    () => terminal.step('preparing Python and JupyterLab (only now and after updates) ...'),
    500,
  );
  try {
    return await work;
  } finally {
    clearTimeout(heading);
  }
}

/** Listens on the port in the kubeconfig of the last start, so that copies of the file stay valid, or on any free port. */
async function listenOnFormerPort(kubeconfigFile: string, options: Omit<ListenOptions, 'port'>): Promise<Listener> {
  const [, former] = /"server": "https:\/\/127\.0\.0\.1:(\d{1,5})"/.exec(readKept(kubeconfigFile) ?? '') ?? [];
  const port = Number(former ?? 0);
  try {
    return await listen({ ...options, port: port < 65_536 ? port : 0 });
  } catch (error) {
    if (!(error instanceof PortTaken)) throw error;
    return listen({ ...options, port: 0 });
  }
}

function ensureNamespace(cluster: Cluster): void {
  if (cluster.get(resource.namespaces, '', namespace)) return;
  cluster.create(resource.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
}
