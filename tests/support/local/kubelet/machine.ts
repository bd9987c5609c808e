import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import type { Store } from '../../../../src/local/api-server/store.ts';
import type { SessionEndpoint } from '../../../../src/local/cluster.ts';
import type { Images } from '../../../../src/local/images/types.ts';
import type { Kubelet } from '../../../../src/local/kubelet/kubelet.ts';
import type { Pod } from '../../../../src/local/kubelet/types.ts';
import { endMarked, listMarked, type ProcessInfo } from '../../../../src/local/machine/processes.ts';
import type { ContainerStatus, KubernetesObject } from '../../../../src/platform/kubernetes/objects.ts';
import { resource } from '../../../../src/platform/kubernetes/resources.ts';
import { createTestKubelet, namespace, openTestCluster, type SessionOptions, serverImages } from './templates.ts';

const newStateDir = (): string => mkdtempSync(join(tmpdir(), 'kubelet-'));
const newMarker = (): string => `test-${randomBytes(6).toString('hex')}`;

/** Time limit for events that a test expects soon. */
export const waiting = { timeout: 100_000, interval: 20 };

/** A state folder with a cluster and a kubelet, as in the local platform. `close` stops the kubelet and removes the folder. */
export class TestMachine {
  readonly stateDir: string;
  readonly marker: string;
  readonly cluster: Store;
  kubelet: Kubelet;
  readonly #images: Images;

  constructor(options: { images?: Images; stateDir?: string; marker?: string } = {}) {
    this.#images = options.images ?? serverImages;
    this.stateDir = options.stateDir ?? newStateDir();
    this.marker = options.marker ?? newMarker();
    this.cluster = openTestCluster(this.stateDir);
    this.kubelet = this.newKubelet();
  }

  /** Creates another kubelet on the same state, as after a restart of the platform. */
  newKubelet(): Kubelet {
    this.kubelet = createTestKubelet(this.cluster, this.stateDir, this.marker, this.#images);
    return this.kubelet;
  }

  /** Returns the processes of this machine's pods, or of one container. */
  marked(container = ''): ProcessInfo[] {
    return [...listMarked(`${this.marker}/`)].flatMap(([marker, found]) => (marker.endsWith(container) ? found : []));
  }

  pod(session: string): Pod | undefined {
    return this.cluster.get<Pod>(resource.pods, namespace, `${session}-0`);
  }

  container(session: string, name = 'jupyter-server'): ContainerStatus | undefined {
    const status = this.pod(session)?.status;
    return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(
      (one) => one.name === name,
    );
  }

  events(): string[] {
    const all = this.cluster.list<KubernetesObject & { reason: string; message: string }>(resource.events);
    return all.map(({ reason, message }) => `${reason}: ${message}`);
  }

  async ready(session: string): Promise<Pod> {
    return await vi.waitFor(() => {
      const pod = this.pod(session);
      if (!pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) {
        throw new Error(`not ready: ${JSON.stringify(pod?.status)}`);
      }
      return pod;
    }, waiting);
  }

  async log(
    session: string,
    options: { container?: string; previous?: boolean; follow?: boolean } = {},
  ): Promise<string> {
    const { container = 'jupyter-server', previous = false, follow = false } = options;
    const wanted = { container, previous, follow, timestamps: false };
    let text = '';
    const pod = { namespace, name: `${session}-0` };
    for await (const line of this.kubelet.node.logs(pod, wanted, AbortSignal.timeout(waiting.timeout))) text += line;
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    // Sessions would save for the last time, which no test reads.
    await this.kubelet.stop({ graceMs: 0 });
    await endMarked(`${this.marker}/`, 5_000);
    this.cluster.close();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

/**
 * Runs a platform in another process until its sessions are ready, and kills it. Returns the state that it leaves, for a
 * `TestMachine` to adopt. `beforeKill` is called with the sessions' endpoints before the kill.
 */
export async function killPlatform(
  sessions: SessionOptions[],
  beforeKill: (stateDir: string, endpoints: (SessionEndpoint | null)[]) => Promise<void> = async () => undefined,
  environment: Record<string, string> = {},
): Promise<{ stateDir: string; marker: string }> {
  const [stateDir, marker] = [newStateDir(), newMarker()];
  const program = fileURLToPath(new URL('./platform.ts', import.meta.url));
  const platform = spawn(process.execPath, [program, JSON.stringify({ stateDir, marker, sessions })], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...environment },
  });
  try {
    const [output] = (await Promise.race([once(platform.stdout, 'data'), once(platform, 'exit')])) as [unknown];
    if (!Buffer.isBuffer(output)) throw new Error(`the platform ended with ${String(output)}`);
    await beforeKill(stateDir, JSON.parse(String(output)) as (SessionEndpoint | null)[]);
  } finally {
    if (platform.exitCode === null) {
      platform.kill('SIGKILL');
      await once(platform, 'exit');
    }
  }
  return { stateDir, marker };
}
