import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from '../free-ports.ts';
import { Jupyter } from '../jupyter.ts';
import { type EnvironmentName, environmentOf } from './environment.ts';
import { token } from './supervisor.ts';

const startMs = 180_000;
const askEveryMs = 50;

/** Programs of other projects that run kernels for Jupyter servers. Both serve the list of their kernels only if configured. */
export const gatewayPrograms = {
  'Kernel Gateway': {
    environment: 'newest',
    program: 'jupyter-kernelgateway',
    args: [`--KernelGatewayApp.auth_token=${token}`, '--JupyterWebsocketPersonality.list_kernels=True'],
  },
  'Enterprise Gateway': {
    environment: 'enterprise-gateway',
    program: 'jupyter-enterprisegateway',
    args: [
      `--EnterpriseGatewayApp.auth_token=${token}`,
      '--EnterpriseGatewayApp.list_kernels=True',
      // By default, root may not start kernels.
      '--EnterpriseGatewayApp.unauthorized_users=guest',
    ],
  },
} as const satisfies Record<string, { environment: EnvironmentName; program: string; args: readonly string[] }>;

export type GatewayName = keyof typeof gatewayPrograms;

/** A gateway of another project, in a folder of its own. */
export class Gateway {
  readonly url: string;
  readonly jupyter: Jupyter;
  readonly #name: GatewayName;
  readonly #port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-gateway-'));
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(name: GatewayName, port: number) {
    this.#name = name;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.jupyter = new Jupyter(this.url, { Authorization: `token ${token}` });
  }

  static async start(name: GatewayName): Promise<Gateway> {
    const gateway = new Gateway(name, await freePort());
    try {
      await gateway.launch();
    } catch (error) {
      await gateway[Symbol.asyncDispose]();
      throw error;
    }
    return gateway;
  }

  /** Starts the gateway (again), and waits until it answers. */
  async launch(): Promise<void> {
    const { environment, program, args } = gatewayPrograms[this.#name];
    const { bin } = await environmentOf(environment);
    const child = spawn(join(bin, program), [`--port=${this.#port}`, ...args], {
      cwd: this.#folder,
      env: { PATH: `${bin}:${process.env['PATH']}`, HOME: this.#folder, JUPYTER_PLATFORM_DIRS: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (data: Buffer) => {
        this.#output = (this.#output + data.toString()).slice(-100_000);
      });
    const deadline = Date.now() + startMs;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`${this.#name} did not start:\n${this.#output}`);
      await wait(askEveryMs);
    }
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.jupyter.fetch('/api')).ok;
    } catch {
      return false;
    }
  }

  /** Kills the gateway. Its kernels notice this and end. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }
}
