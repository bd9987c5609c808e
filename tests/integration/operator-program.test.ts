import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { electLeader } from '../../src/operator/leader-election.ts';
import type { KubernetesObject } from '../../src/platform/kubernetes/objects.ts';
import { resource } from '../../src/platform/kubernetes/resources.ts';
import {
  type ClusterUnderTest,
  jupyterServer,
  openClusterUnderTest,
  testDeadline,
} from '../support/cluster-under-test.ts';
import { operatedSessions } from '../support/operated-sessions.ts';

const log = pino({ level: 'silent' });

let cluster: ClusterUnderTest;
const { startOperator, stopOperators, create, server, inState, makeHealthy } = operatedSessions(() => cluster);

beforeAll(async () => {
  cluster = await openClusterUnderTest();
});

afterEach(stopOperators);

afterAll(() => cluster.close());

describe('several operators', () => {
  it('create each child once when they run at the same time, and write the same status', async () => {
    await Promise.all([startOperator(), startOperator(), startOperator()]);
    const names = Array.from({ length: 10 }, (_, i) => `many-${i}`);
    await Promise.all(names.map((name) => create(jupyterServer(name))));
    for (const name of names) {
      await makeHealthy(name);
      const running = await inState(name, 'running');
      expect(running.status?.events?.['operator']?.message).toBeUndefined();
    }
  });

  it('work one after the other when they share a lease', async () => {
    const options = { client: cluster.client, namespace: cluster.namespace, name: 'lease', log };
    const timing = { leaseDurationMs: 60_000, renewDeadlineMs: 40_000, retryMs: 20 };
    const [first, second] = [new AbortController(), new AbortController()];
    const a = electLeader({ ...options, ...timing, identity: 'a' }, first.signal);
    await a.elected;
    const b = electLeader({ ...options, ...timing, identity: 'b' }, second.signal);
    let bLeads = false;
    const elected = b.elected.then(() => {
      bLeads = true;
    });
    // Three attempts of b, in which it reads the lease of a.
    const lease = () => cluster.client.get(resource.leases, cluster.namespace, 'lease', testDeadline());
    for (const before = (await lease())?.metadata.resourceVersion; ; ) {
      if (Number((await lease())?.metadata.resourceVersion) > Number(before) + 3) break;
    }
    expect(bLeads).toBe(false);
    first.abort();
    await a.ended;
    await a.lost;
    await elected;
    // Another holder takes the lease: b stops leading.
    await cluster.client.mergePatch(
      resource.leases,
      cluster.namespace,
      'lease',
      { spec: { holderIdentity: 'c' } },
      testDeadline(),
    );
    await b.lost;
    second.abort();
  });
});

describe('the program', () => {
  const entry = fileURLToPath(new URL('../../src/operator/main.ts', import.meta.url));
  const base = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };

  it('reconciles as the leader, and releases the lease at SIGTERM', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'operator-program-'));
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, cluster.operatorKubeconfig, { mode: 0o600 });
    const env = {
      ...base,
      KUBECONFIG: kubeconfig,
      NAMESPACES: cluster.namespace,
      LEADER_ELECTION: 'true',
      POD_NAME: 'me',
      POD_NAMESPACE: cluster.namespace,
    };
    const child = spawn(process.execPath, [entry], { env, stdio: ['ignore', 'inherit', 'inherit'] });
    const exit = once(child, 'exit');
    await create(jupyterServer('by-program'));
    await server('by-program', ({ status }) => status?.create_fn !== undefined);
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    const lease = await cluster.client.get<KubernetesObject & { spec?: { holderIdentity?: string } }>(
      resource.leases,
      cluster.namespace,
      'notebook-sessions-operator',
      testDeadline(),
    );
    expect(lease?.spec?.holderIdentity).toBeFalsy();
    rmSync(folder, { recursive: true });
  });

  it('names the missing setting and exits with 1', async () => {
    const child = spawn(process.execPath, [entry], { env: base, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(errors).toContain('NAMESPACES');
  });
});
