import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NotebookResponse } from '../src/generated/openapi.ts';
import { annotation, label } from '../src/jupyter-server/labels.ts';
import { jupyterServers } from '../src/jupyter-server/resource.ts';
import type { JupyterServer } from '../src/jupyter-server/types.ts';
import { namespace } from '../src/local/environment.ts';
import { type BackEnds, person } from './backends.ts';
import type { ServiceUnderTest } from './service.ts';

/** Pushes branches with these names, at the commit of main, to the demo project. Returns the id of that commit. */
export async function pushBranches(backEnds: BackEnds, names: readonly string[]): Promise<string> {
  const clone = join(backEnds.directory, `clone-${randomUUID()}`);
  const { token } = backEnds.forge.issueToken(person);
  const git = async (...args: string[]) => (await promisify(execFile)('git', args)).stdout.trim();
  const remote = `${backEnds.gitUrl.replace('://', `://oauth2:${token}@`)}/demo/first-light.git`;
  await git('clone', '--quiet', remote, clone);
  const here = ['-C', clone];
  if (names.length > 0)
    await git(...here, 'push', '--quiet', 'origin', ...names.map((name) => `HEAD:refs/heads/${name}`));
  return git(...here, 'rev-parse', 'HEAD');
}

/** `bench-0`, `bench-1`, ... */
export function branchNames(count: number): string[] {
  return Array.from({ length: count }, (_none, index) => `bench-${index}`);
}

export function launchOf(branch: string, commit: string): object {
  return { namespace: 'demo', project: 'first-light', branch, commit_sha: commit };
}

/** Launches one session for each branch, marks them as running, and returns their names. */
export async function launchSessions(
  backEnds: BackEnds,
  service: ServiceUnderTest,
  branches: readonly string[],
  commit: string,
): Promise<string[]> {
  const names: string[] = [];
  for (const branch of branches) {
    const { text } = await service.call('POST', '/servers', [201], launchOf(branch, commit));
    const { name } = JSON.parse(text) as NotebookResponse;
    backEnds.cluster.mergePatch(jupyterServers, namespace, name, { status: runningStatus(name) });
    names.push(name);
  }
  return names;
}

/** Creates sessions of other users as copies of an existing session. */
export function addSessionsOfOthers(
  { cluster }: BackEnds,
  like: string,
  count: number,
  users = 100,
  prefix = 'other',
): void {
  const model = cluster.get<JupyterServer>(jupyterServers, namespace, like);
  if (!model) throw new Error(`there is no session ${like}`);
  const { labels, annotations } = model.metadata;
  for (let index = 0; index < count; index += 1) {
    const name = `${prefix}-${index}`;
    const user = `user-${index % users}`;
    cluster.create<JupyterServer>(jupyterServers, namespace, {
      ...model,
      metadata: {
        name,
        labels: { ...labels, [label.owner]: `owner-${index % users}`, [label.userId]: user },
        annotations: { ...annotations, [annotation.userId]: user, [annotation.username]: user },
      },
      status: runningStatus(name),
    });
  }
}

/** The containers of a registered user's session. */
export const containers: { readonly init: readonly string[]; readonly regular: readonly string[] } = {
  init: ['init-certificates', 'download-image', 'git-clone'],
  regular: ['jupyter-server', 'oauth2-proxy'],
};

let started = 0;

/** The status of a running session, copied from one on the local platform. */
export function runningStatus(name: string): NonNullable<JupyterServer['status']> {
  // Another second for each session, as if they had started one after the other.
  started += 1;
  const time = new Date(Date.now() - started * 1_000).toISOString().replace(/\.\d+/, '');
  const condition = (type: string) => ({ type, status: 'True', lastTransitionTime: time });
  const state = (current: object) => ({ state: current, lastState: {}, restartCount: 0, ready: true });
  const done = { terminated: { exitCode: 0, reason: 'Completed', startedAt: time, finishedAt: time } };
  const running = { running: { startedAt: time } };
  return {
    state: 'running',
    containerStates: {
      init: Object.fromEntries(containers.init.map((name) => [name, 'ready'])),
      regular: Object.fromEntries(containers.regular.map((name) => [name, 'ready'])),
    },
    events: {},
    idleSeconds: '12',
    mainPod: {
      name: `${name}-0`,
      resourceUsage: { cpuMillicores: 472, memoryBytes: 74_940_416, disk: { usedBytes: 1_234_567 } },
      status: {
        phase: 'Running',
        conditions: ['PodScheduled', 'Initialized', 'Ready', 'ContainersReady'].map(condition),
        initContainerStatuses: containers.init.map((name) => ({ name, ...state(done) })),
        containerStatuses: containers.regular.map((name) => ({ name, ...state(running) })),
      },
    },
  };
}
