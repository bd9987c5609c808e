import { type ChildProcess, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { parse } from 'yaml';
import { kubeconfigOf } from '../support/api-server-under-test.ts';
import { spawnBound } from '../support/bound-process.ts';
import { freePorts } from '../support/free-ports.ts';

const controllersOfSessions = [
  'garbage-collector-controller',
  'namespace-controller',
  'persistentvolumeclaim-protection-controller',
  'resourcequota-controller',
  'serviceaccount-controller',
  'statefulset-controller',
];

/** The addresses and files of a control plane that another process started. Paths are absolute. */
export interface ControlPlane {
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
  /** A file, for a user with all permissions. */
  readonly kubeconfig: string;
  readonly etcd: string;
  /** A file with one JSON object (audit.k8s.io/v1 Event) for each response: the request, its user and the status. */
  readonly auditLog: string;
}

export interface RunningControlPlane extends ControlPlane {
  /** Ends a program with SIGKILL. Returns a function that starts the program again, with the same flags. */
  kill(name: 'etcd' | 'kube-apiserver'): Promise<() => void>;
  /** Deletes everything that etcd has stored. etcd must not run. */
  emptyEtcd(): void;
  close(): Promise<void>;
}

type Flags = Readonly<Record<string, string | true>>;

/** What a control plane with nodes needs in addition. */
export interface NodeSupport {
  /** The address of this machine in the network of the nodes. The API server listens on this address only. */
  readonly address: string;
  /** The range of the addresses of Services. */
  readonly serviceRange: string;
  readonly users: readonly { readonly name: string; readonly group: string; readonly token: string }[];
  readonly apiServer: Flags;
  readonly controllers: Flags;
}

const root = join(import.meta.dirname, '..', '..');

/** Returns the folder with the programs of these groups, after building them if necessary; undefined if Go is missing. */
export function findPrograms(groups: readonly string[] = ['control-plane']): string | undefined {
  const { status, stdout, error } = spawnSync(join(import.meta.dirname, 'install'), groups, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error) throw error;
  if (status !== 0) throw new Error('The control plane could not be built: see above.');
  return stdout.trim() || undefined;
}

/**
 * Starts etcd, kube-apiserver (with RBAC) and the controllers that sessions need on loopback, with the JupyterServer CRD.
 * Pods are created and stay pending. With `nodes`, all controllers run, for nodes in their network. Takes about 5 seconds.
 */
export async function startControlPlane(programs: string, nodes?: NodeSupport): Promise<RunningControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'control-plane-'));
  const running: Program[] = [];
  const endAll = () => {
    for (const { child } of running) child.kill('SIGKILL');
  };
  // If this process exits before `close`, the programs must not continue.
  process.once('exit', endAll);
  const start = (name: string, args: Flags): Program => {
    const program = startProgram(join(programs, name), args, join(folder, `${name}.log`));
    running.push(program);
    return program;
  };
  const close = async () => {
    process.off('exit', endAll);
    // The data is deleted, so the programs need not save it.
    endAll();
    await Promise.all(running.map(({ ended }) => ended));
    rmSync(folder, { recursive: true });
  };
  const kill = async (name: string): Promise<() => void> => {
    const program = running.find(({ path }) => path === join(programs, name));
    if (!program) throw new Error(`${name} does not run`);
    running.splice(running.indexOf(program), 1);
    program.child.kill('SIGKILL');
    await program.ended;
    return () => void running.push(spawnProgram(program.path, program.flags, program.logFile));
  };
  const emptyEtcd = () => rmSync(join(folder, 'etcd'), { recursive: true });
  try {
    return { ...(await startAll(folder, start, nodes)), kill, emptyEtcd, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Program {
  readonly path: string;
  readonly flags: readonly string[];
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly logFile: string;
}

function startProgram(path: string, args: Flags, logFile: string): Program {
  const flags = Object.entries(args).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
  return spawnProgram(path, flags, logFile);
}

function spawnProgram(path: string, flags: readonly string[], logFile: string): Program {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawnBound(path, flags, { stdio: ['ignore', log, log] });
  closeSync(log);
  return { path, flags, child, ended: once(child, 'exit'), logFile };
}

async function startAll(
  folder: string,
  start: (name: string, args: Flags) => Program,
  nodes?: NodeSupport,
): Promise<ControlPlane> {
  const address = nodes?.address ?? '127.0.0.1';
  const [client, peer, port] = await freePorts(3);
  const etcd = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const server = `https://${address}:${port}`;
  const certificates = join(folder, 'certificates');
  const auditLog = join(folder, 'audit.jsonl');
  const kubeconfig = join(folder, 'kubeconfig');
  mkdirSync(certificates, { mode: 0o700 });
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const token = randomBytes(24).toString('base64url');
  const users = nodes?.users.map(({ name, group, token: of }) => `${of},${name},${name},${group}`) ?? [];
  const tokens = write('tokens.csv', [`${token},admin,admin,system:masters`, ...users].join('\n'));
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateKey = write('accounts.key', keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  const publicKey = write('accounts.pub', keys.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  const rules = [{ level: 'Metadata', omitStages: ['RequestReceived', 'ResponseStarted'] }];
  const policy = write('audit.json', JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));

  start('etcd', {
    name: 'test',
    'data-dir': join(folder, 'etcd'),
    'log-level': 'warn',
    'unsafe-no-fsync': true,
    'listen-client-urls': etcd,
    'advertise-client-urls': etcd,
    'listen-peer-urls': peerUrl,
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': `test=${peerUrl}`,
  });
  const apiServer = start('kube-apiserver', {
    'etcd-servers': etcd,
    'bind-address': address,
    'advertise-address': address,
    'secure-port': String(port),
    // Without nodes, nothing uses the endpoints of the Service `kubernetes`.
    'endpoint-reconciler-type': nodes ? 'lease' : 'none',
    // Without nodes: RFC 2544's addresses for benchmarks, which no network uses.
    'service-cluster-ip-range': nodes?.serviceRange ?? '198.19.0.0/16',
    'cert-dir': certificates,
    'authorization-mode': nodes ? 'Node,RBAC' : 'RBAC',
    'token-auth-file': tokens,
    'service-account-issuer': 'https://kubernetes.default.svc',
    'service-account-key-file': publicKey,
    'service-account-signing-key-file': privateKey,
    'audit-policy-file': policy,
    'audit-log-path': auditLog,
    // As in OpenShift: blockOwnerDeletion requires the permission to update the finalizers of the owner.
    'enable-admission-plugins': 'OwnerReferencesPermissionEnforcement',
    ...nodes?.apiServer,
  });
  const certificate = join(certificates, 'apiserver.crt');
  const get = async (path: string, init: { method?: 'GET' | 'POST'; body?: string } = {}) => {
    const agent = new Agent({ connect: { ca: readFileSync(certificate) } });
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const { statusCode, body } = await request(server + path, { ...init, headers, dispatcher: agent });
    const text = await body.text();
    await agent.close();
    return { statusCode, text };
  };
  const isReady = (path: string) => async () => (await get(path)).statusCode === 200;
  await waitFor(apiServer, 180_000, isReady('/readyz'));
  const authority = readFileSync(certificate).toString('base64');
  write('kubeconfig', kubeconfigOf({ server, 'certificate-authority-data': authority }, token));

  // A cluster with nodes gets the CRD from the chart.
  if (nodes === undefined) {
    // Before the controllers start: the garbage collector looks for new kinds only every 30 seconds.
    const crd: unknown = parse(readFileSync(join(root, 'src', 'jupyter-server', 'crd.yaml'), 'utf8'));
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const created = await get(crds, { method: 'POST', body: JSON.stringify(crd) });
    if (created.statusCode !== 201) throw new Error(`The API server rejected the CRD: ${created.text}`);
    await waitFor(apiServer, 120_000, isReady('/apis/amalthea.dev/v1alpha1/jupyterservers'));
  }

  const controllers = start('kube-controller-manager', {
    kubeconfig,
    controllers: nodes ? '*' : controllersOfSessions.join(','),
    'kube-api-qps': '500',
    'kube-api-burst': '1000',
    'leader-elect': 'false',
    'secure-port': '0',
    // The authority that pods trust when they call the API.
    'root-ca-file': certificate,
    ...nodes?.controllers,
  });
  await waitFor(controllers, 180_000, isReady('/api/v1/namespaces/default/serviceaccounts/default'));
  return { server, kubeconfig, etcd, auditLog };
}

/** Resolves when `ready` returns true. Throws with the end of the log if the program exits first, or after the timeout. */
async function waitFor(
  { path, child, logFile }: Program,
  timeoutMs: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const done = await ready().catch((error: unknown) => {
      // The program does not listen yet, or has not written its certificate.
      if (error instanceof Error && 'code' in error) return false;
      throw error;
    });
    if (done) return;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > end) {
      const log = readFileSync(logFile, 'utf8').split('\n').slice(-20).join('\n');
      throw new Error(`${path} is not ready:\n${log}`);
    }
    await delay(50);
  }
}
