import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Row, ratioOf } from '../../bench/figure.ts';
import { median } from '../../bench/rounds.ts';
import { table } from '../../bench/table.ts';
import { until } from '../../bench/until.ts';
import { childLabels } from '../../src/jupyter-server/labels.ts';
import { jupyterServers } from '../../src/jupyter-server/resource.ts';
import { Deadline } from '../../src/lib/deadline.ts';
import { createKubernetesClient } from '../../src/platform/kubernetes/client.ts';
import { parseKubeConfig } from '../../src/platform/kubernetes/kubeconfig.ts';
import type { KubernetesObject, PodStatus } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import type { KubernetesConnection, ResourceType } from '../../src/platform/kubernetes/types.ts';
import { anonymous } from './caller.ts';
import { platform, publicProject } from './platform.ts';
import { release } from './release.ts';

/** Figures of docs/benchmarks.md that need real pods. The test prints them; its limits only show that something is broken. */
const rounds = 3;
const startMs = 300_000;
const pollMs = 50;
/** A launch had this number of writes before the operator joined them. */
const tooManyWrites = 21;
const quietMs = 15_000;
const idleMs = 45_000;
const namespace = release.sessionsNamespace;

let client: KubernetesConnection;

beforeAll(async () => {
  const { cluster } = inject('e2e') ?? {};
  if (cluster === undefined) return;
  const kubeconfig = await parseKubeConfig(readFileSync(cluster.controlPlane.kubeconfig, 'utf8'));
  client = createKubernetesClient({ kubeconfig, log: pino({ level: 'silent' }) });
});
afterAll(() => client?.close());

const deadline = () => Deadline.after(60_000);

describe('a launch on a node', () => {
  it('is measured beside a StatefulSet with the same pod, and writes its JupyterServer a few times, and never when idle', async () => {
    const caller = anonymous();
    const launched = async () => {
      const since = new Date().toISOString();
      const begun = performance.now();
      const { name } = await caller.launch(publicProject());
      const isRunning = async (): Promise<true | undefined> => {
        const response = await caller.api(`/servers/${name}`);
        const { status } = (await response.json()) as { status?: { state: string } };
        return status?.state === 'running' || undefined;
      };
      await until(`the session ${name} to run`, isRunning, { withinMs: startMs, everyMs: pollMs });
      return { name, since, seconds: (performance.now() - begun) / 1000 };
    };
    // The first launch downloads the images.
    await caller.remove((await launched()).name);
    const ours: number[] = [];
    const bare: number[] = [];
    const writes: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const { name, since, seconds } = await launched();
      ours.push(seconds);
      writes.push(requestsAbout(name, since).filter((each) => each === 'patch jupyterservers').length);
      bare.push(await bareStatefulSet(name));
      const line = `${ours.at(-1)?.toFixed(1)} s, bare ${bare.at(-1)?.toFixed(1)} s, ${writes.at(-1)} patches`;
      process.stdout.write(`launch ${round} of ${rounds}: ${line}\n`);
      if (round < rounds) await caller.remove(name);
      else await measureIdle(name);
    }
    report({
      what: 'POST to running on a node',
      measured: median(ours),
      unit: 's',
      baseline: { is: 'a StatefulSet with the same pod, to ready', measured: median(bare) },
      target: { of: 'ratio', atMost: 1.2 },
    });
    report({
      what: 'patches of the JupyterServer by the operator, per launch',
      measured: Math.max(...writes),
      unit: 'calls',
      target: { of: 'value', atMost: 8 },
    });
    expect(Math.min(...writes)).toBeGreaterThan(0);
    expect(Math.max(...writes)).toBeLessThan(tooManyWrites);
  });
});

/** Waits until the operator makes no more requests for the session, and reports those of some time later. */
async function measureIdle(name: string): Promise<void> {
  let [count, since] = [-1, 0];
  const isQuiet = (): true | undefined => {
    const now = requestsAbout(name).length;
    if (now !== count) [count, since] = [now, performance.now()];
    return performance.now() - since > quietMs || undefined;
  };
  await until('the operator to finish with the session', isQuiet, { withinMs: startMs, everyMs: 1_000 });
  await delay(idleMs);
  const measured = requestsAbout(name).slice(count);
  report({
    what: `requests of the operator about a session that is idle for ${idleMs / 1000} s`,
    measured: measured.length,
    unit: 'calls',
    target: { of: 'value', atMost: 0 },
  });
  // Each change of its use of memory is one request.
  expect(measured.filter((each) => each !== 'patch jupyterservers')).toEqual([]);
}

interface AuditedRequest {
  readonly verb: string;
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource?: string; readonly name?: string };
}

/**
 * Returns the requests of the operator for objects with this name, as `verb plural`, from the audit log of the API server.
 * @param since a time of RFC 3339: the earlier sessions of the same user and project had the same name.
 */
function requestsAbout(name: string, since = ''): string[] {
  const account = `system:serviceaccount:${release.namespace}:`;
  return readFileSync(platform().cluster.controlPlane.auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(name) && line.includes(account) && line.includes('operator'))
    .map((line) => JSON.parse(line) as AuditedRequest)
    .filter(({ objectRef, requestReceivedTimestamp: at }) => objectRef?.name?.startsWith(name) && at >= since)
    .map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`);
}

interface Template {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: { readonly volumes: { persistentVolumeClaim?: { claimName: string } }[] };
}

type StatefulSet = KubernetesObject & { spec: { template: Template } };

/** Starts a StatefulSet with the pod of a session, and its claim, without an operator. Returns the seconds until it is ready. */
async function bareStatefulSet(session: string): Promise<number> {
  const name = `${session}-bare`;
  const original = await found<StatefulSet>(resource.statefulSets, session);
  const claim = await client.get<KubernetesObject & { spec: { volumeName?: string } }>(
    ...[resource.persistentVolumeClaims, namespace, session, deadline()],
  );
  const { template } = original.spec;
  const label = childLabels(jupyterServers.group);
  const { [label.mainPod]: _main, [label.parentUid]: _uid, ...labels } = template.metadata.labels;
  const own = { ...labels, app: name };
  const volumes = template.spec.volumes.map((volume) =>
    volume.persistentVolumeClaim ? { ...volume, persistentVolumeClaim: { claimName: name } } : volume,
  );
  const begun = performance.now();
  if (claim) {
    const { volumeName: _, ...spec } = claim.spec;
    await create(resource.persistentVolumeClaims, { ...claim, metadata: { name }, spec });
  }
  await create(resource.statefulSets, {
    ...original,
    metadata: { name },
    spec: {
      ...original.spec,
      selector: { matchLabels: { app: name } },
      template: { metadata: { ...template.metadata, labels: own }, spec: { ...template.spec, volumes } },
    },
  });
  const isReady = async (): Promise<true | undefined> => {
    const pod = await client.get<KubernetesObject & { status?: PodStatus }>(
      ...[resource.pods, namespace, `${name}-0`, deadline()],
    );
    return pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') || undefined;
  };
  await until(`the StatefulSet ${name} to be ready`, isReady, { withinMs: startMs, everyMs: pollMs });
  const seconds = (performance.now() - begun) / 1000;
  const options = { propagationPolicy: 'Background' as const };
  await client.delete(resource.statefulSets, namespace, name, options, deadline());
  if (claim) await client.delete(resource.persistentVolumeClaims, namespace, name, options, deadline());
  const isGone = async (): Promise<true | undefined> =>
    (await client.get(resource.pods, namespace, `${name}-0`, deadline())) === undefined || undefined;
  await until(`the pod of ${name} to be gone`, isGone, { withinMs: startMs });
  return seconds;
}

async function found<T extends KubernetesObject>(type: ResourceType, name: string): Promise<T> {
  const object = await client.get<T>(type, namespace, name, deadline());
  if (object === undefined) throw new Error(`there is no ${type.plural} ${name}`);
  return object;
}

const create = (
  type: ResourceType,
  { metadata, ...object }: KubernetesObject & { spec?: object; status?: unknown },
) => {
  const { status: _, ...rest } = object;
  return client.create(type, namespace, { ...rest, metadata }, deadline());
};

function report(row: Row): void {
  process.stdout.write(`${table([row]).split('\n').at(-1)}\n`);
  if (row.baseline) expect(ratioOf(row)).toBeGreaterThan(0);
}
