import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readProcess } from '../../src/local/machine/processes.ts';
import { freePort } from './free-ports.ts';
import { waitFor } from './wait-for.ts';

const root = join(import.meta.dirname, '..', '..');
/** Less than the time limit of a test, so that its failure says what the test waited for. */
const printMs = 220_000;
/** The first start on a machine installs the Python environment. Less than the time limit of a hook. */
const startMs = 580_000;

export interface Platform {
  /** `http://127.0.0.1:PORT`, of the pages and the API. */
  origin: string;
  /** `http://localhost:PORT`, of the sessions. */
  sessionOrigin: string;
  port: number;
  stateDir: string;
  signInLink: string;
  pid: number;
  /** Calls the API as the signed-in local user, with the cookie file that the platform writes. */
  api(path: string, init?: RequestInit): Promise<Response>;
  /** Returns the Cookie header of a new browser that is signed in as the local user, or as a new anonymous visitor. */
  signIn(as?: 'anonymous'): Promise<string>;
  /** Creates a token of the forge: the password for git and the registry. */
  forgeToken(): Promise<string>;
  /** Returns the URL of the embedded Kubernetes API, `https://127.0.0.1:PORT`. */
  kubernetesUrl(): string;
  /** Returns the body of a GET from the Kubernetes API, with the kubeconfig that the platform writes. */
  kubernetes(path: string): Promise<string>;
  /** Returns everything that was printed so far. */
  output(): string;
  /** Resolves with the match when a printed line matches. Throws with the output if the platform ends, or after 220 s. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Closes the pipes that the platform prints to. */
  closeOutput(): void;
  /** Stops the platform as Ctrl-C does. Resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Returns the process ids of the programs of the platform: service and operator. */
  programs(): number[];
  /** Kills the platform and its programs with SIGKILL; the sessions continue. */
  crash(): Promise<void>;
  /** Kills only the process of the platform with SIGKILL; its programs and the sessions continue. */
  crashAlone(): Promise<void>;
  /** Stops the platform and deletes the state folder. */
  dispose(): Promise<void>;
}

/** Starts the local platform as `npm start` does, by default on a free port with a new state folder. */
export async function startPlatform(
  options: { stateDir?: string; port?: number; args?: string[]; env?: Record<string, string> } = {},
): Promise<Platform> {
  const port = options.port ?? (await freePort());
  const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'notebook-sessions-test-'));
  const child = spawn(
    process.execPath,
    [join(root, 'src/local/main.ts'), '--port', String(port), '--state', stateDir, ...(options.args ?? [])],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } },
  );
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const wake of waiting) wake();
    });
  }
  const exited = once(child, 'exit').then(([code]) => {
    for (const wake of waiting) wake();
    return code as number | null;
  });

  function printed(pattern: RegExp, limitMs = printMs): Promise<RegExpExecArray> {
    const match = new Promise<RegExpExecArray>((resolve, reject) => {
      const check = () => {
        const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (found) settle(() => resolve(found));
        else if (child.exitCode !== null || child.signalCode !== null) {
          settle(() =>
            reject(new Error(`the platform ended before it printed ${pattern}:\n${diagnosis(lines, stateDir)}`)),
          );
        }
      };
      const settle = (finish: () => void) => {
        waiting.delete(check);
        finish();
      };
      waiting.add(check);
      check();
    });
    const seen = (): string => diagnosis(lines, stateDir);
    return waitFor(match, `the platform to print ${pattern}`, { limitMs, seen });
  }

  const signInLink = (await printed(/(https?:\/\/[^/\s]+\/auth\/sign-in\S+)/, startMs))[1] as string;
  const origin = `http://127.0.0.1:${port}`;
  const api = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${origin}${path}`, {
      ...init,
      headers: { cookie: cookieFrom(join(stateDir, 'cookies.txt')), ...init?.headers },
    });
  async function signIn(as?: 'anonymous'): Promise<string> {
    const { link } = (await (await api('/auth/links', { method: 'POST' })).json()) as { link: string };
    const signedIn = await fetch(link, { redirect: 'manual' });
    const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0];
    if (cookie === undefined) throw new Error(`the response to the sign-in link was ${signedIn.status}`);
    if (as) await fetch(`${origin}/auth/${as}`, { method: 'POST', headers: { cookie }, redirect: 'manual' });
    return cookie;
  }
  return {
    origin,
    sessionOrigin: `http://localhost:${port}`,
    port,
    stateDir,
    signInLink,
    pid: child.pid as number,
    api,
    signIn,
    async forgeToken() {
      const response = await api('/auth/tokens', { method: 'POST' });
      return ((await response.json()) as { token: string }).token;
    },
    kubernetesUrl: () => readKubeconfig(stateDir).clusters[0].cluster.server,
    kubernetes: (path) => getFromKubernetes(readKubeconfig(stateDir), path),
    output: () => lines.join('\n'),
    printed,
    closeOutput() {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    async stop() {
      child.kill('SIGINT');
      return exited;
    },
    programs: () => childrenOf(child.pid as number),
    async crash() {
      for (const pid of [...childrenOf(child.pid as number), child.pid as number]) killIfAlive(pid);
      await exited;
    },
    async crashAlone() {
      child.kill('SIGKILL');
      await exited;
    },
    async dispose() {
      await stopped(child, exited);
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

async function stopped(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
  await exited;
}

function diagnosis(lines: string[], stateDir: string): string {
  const logs = join(stateDir, 'logs');
  const tails = existsSync(logs)
    ? readdirSync(logs).map((name) => `--- ${name}\n${readFileSync(join(logs, name), 'utf8').slice(-3000)}`)
    : [];
  return [...lines, ...tails].join('\n');
}

interface Kubeconfig {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { token: string } }];
}

function readKubeconfig(stateDir: string): Kubeconfig {
  return JSON.parse(readFileSync(join(stateDir, 'kubeconfig'), 'utf8')) as Kubeconfig;
}

/** Uses node:https, because fetch has no option for a certificate authority. */
function getFromKubernetes({ clusters, users }: Kubeconfig, path: string): Promise<string> {
  const ca = Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64');
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${users[0].user.token}` };
    get(`${clusters[0].cluster.server}${path}`, { ca, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`${response.statusCode}: ${text}`)),
      );
    }).on('error', reject);
  });
}

/** Returns the Cookie header from a file in the Netscape format that curl reads. */
export function cookieFrom(file: string): string {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replace(/^#HttpOnly_/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .map((fields) => `${fields[5]}=${fields[6]}`)
    .join('; ');
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readProcess(pid)?.parent === parent && isNodeProgram(pid));
}

/** Returns whether the process is a program of the platform (service or operator), and not a process of a session. */
function isNodeProgram(pid: number): boolean {
  return /src\/(main|operator\/main)\.ts/.test(readProc(pid, 'cmdline') ?? '');
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    // The process has ended since the listing, or belongs to another user.
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Returns the arguments of a process, separated by spaces; undefined if the process has ended. */
export const commandLine = (pid: number): string | undefined => readProc(pid, 'cmdline')?.replaceAll('\0', ' ');

/** Returns the processes that run as long as their session: not those that Jupyter starts for a moment. */
export const lasting = (pids: readonly number[]): number[] =>
  pids.filter((pid) =>
    /\/(shim\.py|jupyter_lab\.py|kernel\.py|(?:git-proxy|agent)\/main\.ts) /.test(commandLine(pid) ?? ''),
  );

/** Returns whether the process runs. A zombie has ended: only its parent has not read the exit code. */
export function isAlive(pid: number): boolean {
  return (readProcess(pid)?.state ?? 'Z') !== 'Z';
}

function killIfAlive(pid: number): void {
  try {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  } catch (error) {
    // The process has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Returns where the Jupyter servers of this state folder listen (`http://127.1.2.3:8888`), from their command lines. */
export function jupyterOrigins(stateDir: string): string[] {
  const found = markedProcesses(stateDir).flatMap((pid) => {
    const [, address, port] =
      /ServerApp\.ip=([\d.]+)\0.*ServerApp\.port=(\d+)/.exec(readProc(pid, 'cmdline') ?? '') ?? [];
    return address === undefined ? [] : `http://${address}:${port}`;
  });
  return [...new Set(found)].sort();
}

/** Returns every process whose environment contains the marker of this state folder. */
export function markedProcesses(stateDir: string): number[] {
  const marker = readFileSync(join(stateDir, 'marker'), 'utf8').trim();
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readProc(pid, 'environ')?.includes(`NOTEBOOK_SESSIONS_POD=${marker}/`));
}
