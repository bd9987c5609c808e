import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { components } from '../../../src/generated/openapi.ts';
import { agentVariable } from '../../../src/session-contract/agent.ts';
import { type AgentProcess, startAgentProcess } from '../session-agent/agent-process.ts';
import { type AgentSession, agentSecret, startAgentSession } from '../session-agent/agent-session.ts';
import { openSession, Supervised } from './supervisor.ts';

export type Operation = components['schemas']['Operation'];
export type SnapshotReport = components['schemas']['SnapshotReport'];

interface Options {
  /** The Python of the Jupyter server and its kernels; by default, that of the default image. */
  readonly python?: string;
  /** More variables of the supervisor. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A session on the service, with the real agent, and the real supervisor with a real Jupyter server. */
export class SnapshotSession {
  readonly session: AgentSession;
  readonly supervised: Supervised;
  readonly #agent: () => Promise<AgentProcess>;
  agent: AgentProcess;

  private constructor(
    session: AgentSession,
    supervised: Supervised,
    startAgent: () => Promise<AgentProcess>,
    agent: AgentProcess,
  ) {
    this.session = session;
    this.supervised = supervised;
    this.#agent = startAgent;
    this.agent = agent;
  }

  static async start(options: Options = {}): Promise<SnapshotSession> {
    const supervised = await Supervised.start(options);
    const session = await startAgentSession({ deadlineMs: 60_000 });
    const { agent: fake } = session;
    await fake.stop();
    const { folder } = supervised;
    const tree = join(folder, 'volume', 'project');
    mkdirSync(tree, { recursive: true });
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', tree, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
        encoding: 'utf8',
      }).trim();
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    const sessionUid = session.object()?.metadata.uid ?? '';
    const startAgent = () =>
      startAgentProcess(
        {
          volume: join(folder, 'volume'),
          tree,
          url: 'http://127.0.0.1:9/team/project.git',
          commit: git('rev-parse', 'HEAD'),
          token: 'none',
        },
        {
          [agentVariable.host]: fake.address,
          [agentVariable.port]: '4001',
          [agentVariable.podUid]: fake.podUid,
          [agentVariable.supervisorSocket]: join(supervised.state, 'supervisor.sock'),
          [agentVariable.mayPush]: '0',
        },
        sessionUid,
        agentSecret,
      );
    return new SnapshotSession(session, supervised, startAgent, await startAgent());
  }

  /** Where the supervisor keeps snapshots: on the volume. */
  get snapshotsFolder(): string {
    return join(this.supervised.folder, 'volume', '.notebook-sessions', 'snapshots');
  }

  /** Starts the agent again, after `kill` or as in another pod. */
  async restartAgent(): Promise<void> {
    this.agent.child.kill('SIGKILL');
    this.agent = await this.#agent();
  }

  /** Opens a document with a new kernel, and returns the id of the kernel. */
  async openKernel(path: string): Promise<string> {
    return (await openSession(this.supervised.jupyter, path)).kernel.id;
  }

  run(kernel: string, code: string): Promise<string> {
    return this.supervised.jupyter.execute(kernel, code);
  }

  /** Sends a request about a kernel to the service. */
  async call(method: string, kernel: string, path = '', body?: object) {
    const { name } = this.session;
    const response = await this.session.call(method, `/servers/${name}/kernels/${kernel}/snapshots${path}`, body);
    return { ...response, body: response.body as unknown as Record<string, unknown>, error: response.body?.error };
  }

  async list(kernel: string): Promise<SnapshotReport> {
    const { status, body } = await this.call('GET', kernel);
    expect(status, JSON.stringify(body)).toBe(200);
    return body as unknown as SnapshotReport;
  }

  /** Starts an operation, and expects that the service accepts it. */
  async begin(kernel: string, path = '', body: object = {}): Promise<Operation> {
    const response = await this.call('POST', kernel, path, body);
    expect(response.status, JSON.stringify(response.body)).toBe(202);
    return response.body as unknown as Operation;
  }

  async operation(id: string): Promise<Operation> {
    const { body } = await this.session.call('GET', `/servers/${this.session.name}/operations/${id}`);
    return body as unknown as Operation;
  }

  async cancel(id: string): Promise<void> {
    await this.session.call('DELETE', `/servers/${this.session.name}/operations/${id}`);
  }

  /** Waits until the operation is as `isReached` says, or has ended. */
  async until(id: string, isReached: (operation: Operation) => boolean = () => false): Promise<Operation> {
    return await this.supervised.until(async () => {
      const operation = await this.operation(id);
      return operation.finishedAt !== null || isReached(operation) ? operation : undefined;
    }, 'the operation changes');
  }

  /** Takes a snapshot, as soon as one may be taken, and returns the operation when it has succeeded. */
  async take(kernel: string, body: object = {}): Promise<Operation> {
    return await this.supervised.until(async () => {
      const operation = await this.until((await this.begin(kernel, '', body)).id);
      if (operation.snapshot?.skipped) return undefined;
      expect(operation).toMatchObject({ kind: 'snapshot', state: 'succeeded', error: null });
      return operation;
    }, 'a snapshot is taken');
  }

  /** Restores a snapshot, and returns the operation when it has ended. */
  async restore(kernel: string, snapshot: string, body: object = {}): Promise<Operation> {
    return await this.until((await this.begin(kernel, `/${snapshot}/restore`, body)).id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.child.kill('SIGKILL');
    await this.session[Symbol.asyncDispose]();
    await this.supervised[Symbol.asyncDispose]();
  }
}

/** Returns the id of the snapshot of an operation. */
export function snapshotOf(operation: Operation): string {
  const id = operation.snapshot?.snapshot?.id;
  if (id === undefined) throw new Error(`no snapshot: ${JSON.stringify(operation)}`);
  return id;
}
