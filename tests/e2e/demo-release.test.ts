import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openBrowser } from './browser.ts';
import { hasWarning, type Session, withCookie } from './caller.ts';
import { chart, helm, installChart } from './helm.ts';
import { apply, inSession, objectsOf, platform, publicProject } from './platform.ts';

/**
 * A second release in the same cluster, with the chart's demo.yaml: anonymous users, no volumes, one namespace. Only the
 * addresses differ, because the cluster has no way to gitlab.com.
 */
const namespace = 'second';
const host = 'second.test';
const site = { api: `http://${host}/notebooks`, namespace };
let browser: Browser;

function values(sessions: object): string {
  const { cluster, backends } = platform();
  const file = join(cluster.folder, 'second-values.json');
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
      sessions: { ingress: { host: 'second-sessions.test' }, ...sessions },
    },
  };
  writeFileSync(file, JSON.stringify(content), { mode: 0o600 });
  return file;
}

const install = (sessions: object = {}) =>
  installChart(platform().cluster, {
    name: namespace,
    namespace,
    values: [join(chart, 'demo.yaml'), values(sessions)],
  });
const runHelm = (...args: string[]) => helm(platform().cluster, [...args, '--namespace', namespace]);
const inNamespace = (...args: string[]) => platform().kubectl([...args, '--namespace', namespace]);

beforeAll(async () => {
  if (inject('e2e') === undefined) return;
  const { cluster } = platform();
  browser = await openBrowser();
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await apply({
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'company-ca', namespace } },
    data: { 'company.crt': readFileSync(cluster.authority).toString('base64') },
  });
  await install();
});
afterAll(async () => {
  await browser?.close();
  if (inject('e2e') === undefined) return;
  await inNamespace('delete', 'jupyterservers', '--all', '--wait=false');
  await runHelm('uninstall', '--ignore-not-found', namespace);
});

it('warns the owner of a session without a volume that the cluster has stopped, until the owner stops and launches it', async () => {
  const caller = await withCookie(site);
  const body = publicProject();
  const { name } = await caller.launch(body);
  await caller.until(name, 'running');
  await inSession(name, 'fallocate -l 1100M /home/jovyan/work/large', namespace);
  const says =
    /stopped by the cluster at .* because its files took more than the storage .* What was not pushed is lost/;
  const isWarned = (session: Session) => hasWarning(session, says);
  await caller.until(name, (session) => isWarned(session) && session.status.state === 'running');

  const page = await (await browser.newContext({ extraHTTPHeaders: caller.identity })).newPage();
  await page.goto(`${site.api}/`);
  await page.getByRole('article', { name: 'demo/first-light' }).getByText(says).waitFor({ timeout: 60_000 });
  expect(isWarned(await caller.launchAgain(body))).toBe(true);

  await caller.remove(name);
  const launched = await caller.launch(body);
  expect(launched.name).toBe(name);
  expect(isWarned(await caller.until(name, 'running'))).toBe(false);
  await caller.remove(name);
});

it('leaves sessions, files and claims when the release is removed; a new release shows them to their owner', async () => {
  await install({ storage: { pvs_enabled: true } });
  const caller = await withCookie(site);
  const { name } = await caller.launch(publicProject());
  await caller.until(name, 'running');
  const file = '/home/jovyan/work/first-light/notes.txt';
  await inSession(name, `echo kept > ${file}`, namespace);
  const before = await objectsOf(name, namespace);

  await runHelm('uninstall', namespace, '--wait');
  expect(await inNamespace('get', 'deployments', '--output=name')).toBe('');
  expect(await platform().kubectl(['get', 'crd', 'jupyterservers.amalthea.dev', '--output=name'])).not.toBe('');
  expect(await objectsOf(name, namespace)).toEqual(before);
  expect(before).toContain(`persistentvolumeclaim/${name}`);
  // The files outlive the pod, too.
  await inNamespace('delete', 'pod', `${name}-0`);

  await install({ storage: { pvs_enabled: true } });
  await caller.until(name, 'running');
  expect(await inSession(name, `cat ${file}`, namespace)).toBe('kept\n');
  await caller.remove(name);
});

it('passes the test of its chart, which shows its log', async () => {
  const printed = await runHelm('test', namespace, '--logs');
  expect(printed).toMatch(/TEST SUITE:\s+second-notebook-sessions-test\n.*Phase:\s+Succeeded/s);
  expect(printed).toMatch(/^POD LOGS: second-notebook-sessions-test\n(?:ready: .*\n)+GET \/notebooks\/version: 200 /m);
});
