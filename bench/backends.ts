import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type ApiServer, createApiServer } from '../src/local/api-server/api-server.ts';
import { openCluster } from '../src/local/api-server/open-cluster.ts';
import type { Cluster, NodeAgent } from '../src/local/cluster.ts';
import { kubeconfig, namespace, serviceEnvironment } from '../src/local/environment.ts';
import { createForge, type Forge } from '../src/local/forge/forge.ts';
import { listen } from '../src/local/http/listen.ts';
import { ensureTls } from '../src/local/http/tls.ts';
import { createRegistry } from '../src/local/registry/registry.ts';
import { writePrivate } from '../src/local/state-files.ts';
import { resource } from '../src/platform/kubernetes/resources.ts';
import { freePort } from '../tests/support/free-ports.ts';
import { CallLog } from './call-log.ts';

/** The servers that the service needs, in this process, so that their calls can be counted, timed and delayed. */
export interface BackEnds extends AsyncDisposable {
  readonly port: number;
  readonly directory: string;
  readonly gitUrl: string;
  readonly cluster: Cluster;
  readonly api: ApiServer;
  readonly forge: Forge;
  /** All calls of the service to these servers. */
  readonly log: CallLog;
  /** For a service that trusts the headers of its gateway; the token has no valid signature. */
  readonly serviceEnvironment: Record<string, string>;
}

export const person = { username: 'ada', name: 'Ada Lovelace', email: 'ada@example.org' };

/** Starts the embedded API server (in memory), the forge with the demo project, and the registry on one loopback port. */
export async function startBackEnds(options: { node?: NodeAgent } = {}): Promise<BackEnds> {
  await using parts = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), 'notebook-sessions-bench-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true }));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const gitUrl = `${origin}/forge`;
  const silent = pino({ level: 'silent' });
  const token = randomBytes(32).toString('hex');

  const cluster = parts.adopt(openCluster({ path: ':memory:', log: silent }), (store) => store.close());
  cluster.create(resource.namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const api = parts.adopt(
    createApiServer({ cluster, token, log: silent, ...(options.node ? { node: options.node } : {}) }),
    (server) => server.close(),
  );
  const forge = await createForge({
    directory: join(directory, 'forge'),
    publicUrl: gitUrl,
    localUser: person,
    log: silent,
  });
  parts.defer(() => forge.close());
  await forge.ensureDemoProject();
  const image = { name: 'images/jupyter', tag: 'latest', description: 'for benchmarks', architecture: 'amd64' };
  const registry = createRegistry({
    images: [image],
    origin,
    userOf: (password) => forge.userOf(password),
    isService: () => true,
  });

  const log = new CallLog();
  const toForge = log.around('forge', (req, res) => {
    req.url = (req.url ?? '/').slice('/forge'.length) || '/';
    return forge.handler(req, res);
  });
  const toRegistry = log.around('registry', (req, res) => registry.handle(req, res));
  const tls = await ensureTls(join(directory, 'tls'));
  const listener = await listen({
    port,
    handle: (req, res) => (req.url?.startsWith('/forge/') ? toForge(req, res) : toRegistry(req, res)),
    log: silent,
  });
  parts.defer(() => listener.close(0));
  const kubernetes = await listen({ port: 0, handle: log.around('kubernetes', api.handler), tls, log: silent });
  parts.defer(() => kubernetes.close(0));
  writePrivate(join(directory, 'kubeconfig'), kubeconfig(kubernetes.port, tls.cert, token));

  const facts = {
    port,
    stateDir: directory,
    gitUrl,
    defaultImage: `127.0.0.1:${port}/${image.name}:${image.tag}`,
    cookieSecret: randomBytes(32).toString('hex'),
    oidcClientSecret: randomBytes(32).toString('hex'),
    agentSecret: randomBytes(32).toString('hex'),
    version: 'bench',
  };
  const environment = {
    ...serviceEnvironment(facts, process.env),
    NB_IDENTITY__GATEWAY: 'trusted',
    NB_REQUEST__ALLOWED_HOSTS_0: '',
    NB_METRICS__ENABLED: 'true',
    NB_METRICS__PORT: '0',
  };
  const started = parts.move();
  return {
    port,
    directory,
    gitUrl,
    cluster,
    api,
    forge,
    log,
    serviceEnvironment: environment,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
