import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Caller, hasWarning, type Session, withCookie } from './caller.ts';
import { chart, helm, installChart } from './helm.ts';
import { apply, inSession, platform, publicProject } from './platform.ts';

/**
 * A second release in the same cluster, with the chart's demo.yaml: anonymous users, no volumes, one namespace. Only the
 * addresses differ, because the cluster has no way to gitlab.com.
 */
const namespace = 'demo';
const host = 'demo.test';
const site = { api: `http://${host}/notebooks`, namespace };
let caller: Caller;

function values(): string {
  const { cluster, backends } = platform();
  const file = join(cluster.folder, 'demo-values.json');
  const one = { replicaCount: 1, podDisruptionBudget: { enabled: false } };
  const content = {
    images: { registry: cluster.registry.host },
    customCAs: [{ secret: 'company-ca' }],
    // The first release owns it.
    crd: { install: false },
    service: one,
    operator: one,
    ingress: { host },
    config: {
      git: { url: backends.gitUrl, registry: cluster.registry.host },
      sessions: { ingress: { host: 'demo-sessions.test' } },
    },
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  return file;
}

const install = () =>
  installChart(platform().cluster, { name: 'demo', namespace, values: [join(chart, 'demo.yaml'), values()] });

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  const { cluster } = platform();
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await apply({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'company-ca', namespace } },
    data: { 'company.crt': readFileSync(cluster.authority).toString('base64') },
  });
  await install();
  caller = await withCookie(site);
});
afterAll(async () => {
  if (inject('e2e') === undefined) return;
  await platform().kubectl(['delete', 'jupyterservers', '--all', '--namespace', namespace, '--wait=false']);
  await helm(platform().cluster, ['uninstall', '--ignore-not-found', 'demo', '--namespace', namespace]);
});

it('shows an anonymous user with a cookie the same session before and after the release was removed and installed', async () => {
  const { name } = await caller.launch(publicProject());
  await caller.until(name, 'running');
  await inSession(name, 'touch /home/jovyan/work/first-light/still-here', namespace);

  await helm(platform().cluster, ['uninstall', '--ignore-not-found', 'demo', '--namespace', namespace, '--wait']);
  expect(await platform().kubectl(['get', 'jupyterservers', '--namespace', namespace, '--output=name'])).toContain(
    name,
  );
  await install();
  await caller.until(name, 'running');
  expect(await inSession(name, 'ls /home/jovyan/work/first-light', namespace)).toContain('still-here');
});

it('warns the owner of a session that the cluster has stopped for its use of disk', async () => {
  const other = await withCookie(site);
  const { name } = await other.launch(publicProject());
  await other.until(name, 'running');
  await inSession(name, 'fallocate -l 1100M /home/jovyan/work/large', namespace);
  const isWarned = (session: Session) =>
    hasWarning(
      session,
      /stopped by the cluster at .* because its files took more than the storage .* What was not pushed is lost/,
    );
  await other.until(name, (session) => isWarned(session) && session.status.state === 'running', 200_000);
});
