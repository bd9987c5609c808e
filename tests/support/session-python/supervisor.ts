import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../free-ports.ts';
import { defaultEnvironment, Jupyter } from '../jupyter.ts';

export const sessionPython = join(import.meta.dirname, '../../../session-python');
const startMs = 180_000;
const askEveryMs = 50;
export const token = 'token-of-the-test';

/** Extensions of the default image that no test with this class uses. Half of the time of a start went into loading them. */
const unused = { jupyterlab: false, jupyter_lsp: false, notebook: false, notebook_shim: false };

/** Writes a configuration of Jupyter without these extensions. */
export function writeConfig(folder: string): void {
  const parts = join(folder, 'jupyter_server_config.d');
  mkdirSync(parts, { recursive: true });
  writeFileSync(join(parts, 'tests.json'), JSON.stringify({ ServerApp: { jpserver_extensions: unused } }));
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tests compare the JSON.
  readonly body: any;
}

interface Options {
  /** The Python of the Jupyter server; by default, that of the default image. */
  readonly python?: string;
  /** More arguments of the Jupyter server. */
  readonly args?: readonly string[];
  /** Seconds between two comparisons of the records with the kernels; by default 0.5, much less than without this option. */
  readonly syncingSeconds?: number;
  /** Whether the configuration decides where the server listens. */
  readonly listensAsConfigured?: boolean;
  /** The user's configuration of Jupyter. */
  readonly config?: object;
  /** Code that the Python of the server runs before the server. */
  readonly before?: string;
  /** More variables of the supervisor. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A supervisor with a real Jupyter server, in folders of its own. */
export class Supervised {
  readonly folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-supervisor-'));
  readonly state = join(this.folder, 'state');
  readonly root = join(this.folder, 'work');
  readonly port: number;
  /** What the supervisor and the Jupyter server printed. */
  output = '';
  readonly jupyter: Jupyter;
  readonly #python: string;
  readonly #options: Options;
  #process: ChildProcess | undefined;

  private constructor(port: number, python: string, options: Options) {
    this.port = port;
    this.#python = python;
    this.#options = options;
    this.jupyter = new Jupyter(`http://127.0.0.1:${port}`, { Authorization: `token ${token}` });
    mkdirSync(this.root);
  }

  /** Starts a supervisor and waits until its Jupyter server answers. */
  static async start(options: Options = {}): Promise<Supervised> {
    const supervised = await Supervised.create(options);
    try {
      await supervised.launch();
    } catch (error) {
      await supervised[Symbol.asyncDispose]();
      throw error;
    }
    return supervised;
  }

  static async create(options: Options = {}): Promise<Supervised> {
    const python = options.python ?? (await defaultEnvironment()).python;
    return new Supervised(await freePort(), python, options);
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the supervisor (again), and waits until its Jupyter server answers. */
  async launch(): Promise<void> {
    this.spawn();
    await this.untilState('running');
  }

  spawn(): ChildProcess {
    const { args = [], before, config, listensAsConfigured = false, syncingSeconds = 0.5 } = this.#options;
    const configFolder = join(this.folder, 'config');
    writeConfig(configFolder);
    if (config) writeFileSync(join(configFolder, 'jupyter_server_config.json'), JSON.stringify(config));
    const server = [
      ...['-m', 'jupyter_server', '--no-browser', '--allow-root'],
      ...(listensAsConfigured ? [] : [`--port=${this.port}`, '--ServerApp.port_retries=0']),
      ...[`--ServerApp.token=${token}`, `--ServerApp.root_dir=${this.root}`],
      ...[`--SessionKernels.syncing_interval=${syncingSeconds}`, ...args],
    ];
    const command =
      before === undefined
        ? [this.#python, ...server]
        : [
            this.#python,
            '-c',
            `${before}\nimport os, sys\nos.execv(sys.executable, [sys.executable, *sys.argv[1:]])`,
            ...server,
          ];
    const child = spawn(this.#python, ['-I', sessionPython, '--state', this.state, '--', ...command], {
      cwd: this.root,
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        JUPYTER_PLATFORM_DIRS: '1',
        JUPYTER_CONFIG_DIR: configFolder,
        JUPYTER_RUNTIME_DIR: join(this.folder, 'runtime'),
        ...this.#options.variables,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        this.output = (this.output + data.toString()).slice(-1_000_000);
      });
    this.#process = child;
    return child;
  }

  /** Sends a request to the supervisor's socket. */
  call(method: string, path: string, body?: object): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const call = request({ socketPath: join(this.state, 'supervisor.sock'), method, path }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (data: string) => {
        text += data;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
    });
    call.once('error', reject);
    const text = body === undefined ? '' : JSON.stringify(body);
    call.setHeader('Content-Length', Buffer.byteLength(text));
    call.end(text);
    return promise;
  }

  /** Waits until the Jupyter server has a state, and returns the status of the server. */
  async untilState(state: string): Promise<Answer['body']> {
    return await this.until(async () => {
      const { body } = await this.call('GET', '/server');
      return body.state === state ? body : undefined;
    }, `the Jupyter server is ${state}`);
  }

  /** Repeats `find` until it returns a value. Connections that are refused count as no value. */
  async until<T>(find: () => Promise<T | undefined>, what: string): Promise<T> {
    const deadline = Date.now() + startMs;
    let last = '';
    while (Date.now() < deadline) {
      if (this.#process?.exitCode !== null) break;
      try {
        const found = await find();
        if (found !== undefined) return found;
      } catch (error) {
        last = String(error);
      }
      await wait(askEveryMs);
    }
    throw new Error(`not within ${startMs} ms: ${what}. ${last}\n${this.output.slice(-4000)}`);
  }

  async killServer(): Promise<void> {
    const { body } = await this.call('GET', '/server');
    process.kill(body.pid, 'SIGKILL');
    await this.until(async () => {
      const now = await this.call('GET', '/server');
      return now.body.pid === body.pid ? undefined : now;
    }, 'the supervisor notices the end of the Jupyter server');
  }

  /** Kills the Jupyter server if there is one at this moment, also one that does not answer yet. */
  async killNow(): Promise<void> {
    // The children of a process are those of all its threads.
    const children = readdirSync(`/proc/${this.pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${this.pid}/task/${thread}/children`, 'utf8').trim().split(' ').filter(Boolean),
    );
    const isServer = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('jupyter_server');
    const killed = children.filter(isServer).map(Number);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await this.until(async () => {
      const { body } = await this.call('GET', '/server');
      return killed.includes(body.pid) ? undefined : true;
    }, 'the supervisor notices the end of the Jupyter server');
  }

  /** Waits until a killed Jupyter server answers again, without the pause that the supervisor makes after repeated crashes. */
  async restarted(): Promise<void> {
    await this.until(async () => {
      const { body } = await this.call('POST', '/server', {});
      // A server that starts already is not waited for.
      return body.state === 'running' || undefined;
    }, 'the Jupyter server answers again');
  }

  /** Kills the supervisor and the Jupyter server, not the kernels. */
  async killAll(): Promise<void> {
    const { body } = await this.call('GET', '/server');
    await this.kill();
    process.kill(body.pid, 'SIGKILL');
  }

  /** Kills the supervisor itself. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends everything as at the end of a container, and returns the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    return child?.exitCode ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface OpenedSession {
  readonly id: string;
  readonly path: string;
  readonly kernel: { readonly id: string };
}

/** Opens a document with a new kernel, or with the kernel of another session. */
export async function openSession(jupyter: Jupyter, path: string, kernelId?: string): Promise<OpenedSession> {
  const kernel = kernelId === undefined ? { name: 'python3' } : { id: kernelId };
  return await jupyter.post<OpenedSession>('/api/sessions', { path, name: path, type: 'notebook', kernel });
}

export async function sessionsOf(jupyter: Jupyter): Promise<OpenedSession[]> {
  return (await (await jupyter.fetch('/api/sessions')).json()) as OpenedSession[];
}

/** Starts a server whose kernels are behind a gateway. */
export async function startFront(gatewayUrl: string, { args = [], ...options }: Options = {}): Promise<Supervised> {
  const gateway = [`--gateway-url=${gatewayUrl}`, `--GatewayClient.auth_token=${token}`];
  return await Supervised.start({ ...options, args: [...gateway, ...args] });
}

/** Makes the server compare its records with the kernels, and returns the report. */
export async function sync(server: Supervised): Promise<Answer['body']> {
  const { status, body } = await server.call('POST', '/kernels/sync', {});
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

export const idsOf = (entries: readonly { readonly id: string }[]): string[] => entries.map(({ id }) => id);

/** Runs a cell of a kernel that may have just started, also with an old Jupyter server, and returns the output. */
export async function execute(server: Supervised, kernelId: string, code: string): Promise<string> {
  return await server.jupyter.execute(kernelId, code, { probe: true });
}

/** Runs a cell that does not end, and interrupts the cell when it runs. The next cell runs only if that worked. */
export async function interruptCell(server: Supervised, kernelId: string): Promise<void> {
  const begun = join(server.folder, `begun-${kernelId}`);
  const code = `import time
try:
    open(${JSON.stringify(begun)}, "w").close()
    time.sleep(600)
except KeyboardInterrupt:
    # Not an error: the kernel would abort the requests that follow.
    pass`;
  await server.jupyter.start(kernelId, code);
  await server.until(async () => existsSync(begun) || undefined, 'the cell runs');
  await server.jupyter.fetch(`/api/kernels/${kernelId}/interrupt`, { method: 'POST' });
}
