import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, type SessionResponse, waitForState } from '../support/session.ts';

/** KUBECTL has the paths of an old and a current version, separated by a colon (tests/kubectl/install), or of one. */
const kubectls = (process.env['KUBECTL'] || 'kubectl').split(':').filter(works);
const inCi = process.env['CI'] !== undefined;

function works(program: string): boolean {
  return spawnSync(program, ['version', '--client']).status === 0;
}

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());

it.runIf(kubectls.length === 0)('needs a kubectl', () => {
  process.stderr.write('\nNOT TESTED: there is no kubectl on this machine (see tests/kubectl/install)\n');
  expect(inCi, 'CI must have a kubectl').toBe(false);
});

/** The commands that the README names. */
describe.each(kubectls)('%s', (kubectl) => {
  const args = (...more: string[]) => ['--kubeconfig', join(platform.stateDir, 'kubeconfig'), ...more];
  const run = (...more: string[]) => execFileSync(kubectl, args(...more), { encoding: 'utf8' });
  const start = (...more: string[]) => spawn(kubectl, args(...more), { stdio: ['ignore', 'pipe', 'inherit'] });
  const send = (object: object, ...more: string[]) =>
    spawnSync(kubectl, args(...more, '-f', '-'), { input: JSON.stringify(object), encoding: 'utf8' });
  const exitCode = async (child: ChildProcess): Promise<number | null> =>
    child.exitCode ?? (await once(child, 'exit'))[0];

  it('gets, watches and describes resources, waits for them, reads logs and deletes a session', async () => {
    const watch = start('get', 'js', '-w');
    const rows: string[] = [];
    createInterface({ input: watch.stdout }).on('line', (line) => rows.push(line));

    const response = await platform.api('/notebooks/servers', launchBody(await demoCommit(platform)));
    const { name } = (await response.json()) as SessionResponse;
    const deleted = start('wait', `js/${name}`, '--for=delete', '--timeout=120s');
    await waitForState(platform, name, ['running']);
    expect(run('wait', `pod/${name}-0`, '--for=condition=Ready', '--timeout=60s')).toContain('condition met');

    const table = run('get', 'js');
    expect(table).toMatch(/^NAME\s+IMAGE\s+URL\s+POD STATUS/);
    expect(table).toMatch(new RegExp(`${name}.*Running`));
    // Children of earlier sessions are deleted in the background.
    const existing = () => run('get', 'js,pods,statefulsets', '-o', 'name').trim().split('\n').toSorted();
    await expect
      .poll(existing)
      .toEqual([`jupyterserver.amalthea.dev/${name}`, `pod/${name}-0`, `statefulset.apps/${name}`]);
    expect(run('get', 'events')).toMatch(/LAST SEEN\s+TYPE\s+REASON\s+OBJECT/);
    expect(run('describe', 'js', name)).toContain(name);
    expect(run('describe', 'pod', `${name}-0`)).toContain('jupyter-server');
    expect(run('logs', `${name}-0`, '-c', 'git-clone')).toMatch(/\S/);

    const follow = start('logs', '-f', `${name}-0`, '-c', 'jupyter-server');
    await once(follow.stdout, 'data');
    run('delete', 'js', name, '--wait=true');
    expect(await exitCode(follow)).toBe(0);
    expect(await exitCode(deleted)).toBe(0);
    expect(run('get', 'js', '-o', 'name')).toBe('');
    await expect.poll(() => rows.length).toBeGreaterThan(2);
    watch.kill();
  });

  it('creates, applies, patches, labels and annotates a JupyterServer', () => {
    const jupyterServer = (name: string, spec: object) => ({
      apiVersion: 'amalthea.dev/v1alpha1',
      kind: 'JupyterServer',
      metadata: { name, labels: { test: 'kubectl' } },
      spec: { jupyterServer: { hibernated: true }, ...spec },
    });
    expect(send(jupyterServer('created', {}), 'create').stdout).toContain('created');
    expect(send(jupyterServer('applied', { routing: { host: 'one' } }), 'apply').stdout).toContain('created');
    expect(send(jupyterServer('applied', { routing: { host: 'two' } }), 'apply').stdout).toContain('configured');
    expect(send(jupyterServer('applied', { routing: { host: 'two' } }), 'apply').stdout).toContain('unchanged');
    expect(run('get', 'js', 'applied', '-o', 'jsonpath={.spec.routing.host}')).toBe('two');
    const invalid = send(jupyterServer('applied', { culling: { idleSecondsThreshold: -1 } }), 'apply');
    expect([invalid.status, invalid.stderr]).toEqual([1, expect.stringContaining('spec.culling.idleSecondsThreshold')]);

    run('patch', 'js', 'applied', '--type', 'merge', '-p', '{"spec":{"routing":{"host":"three"}}}');
    run('label', 'js', 'applied', 'team=a');
    run('annotate', 'js', 'applied', 'note=b');
    const fields = ['.spec.routing.host', '.metadata.labels.team', '.metadata.annotations.note'];
    const jsonPath = fields.map((field) => `{${field}}`).join(' ');
    expect(run('get', 'js', 'applied', '-o', `jsonpath=${jsonPath}`)).toBe('three a b');
    expect(run('delete', 'js', '-l', 'test=kubectl')).toMatch(/created.*applied|applied.*created/s);
    expect(run('get', 'js', '-o', 'name')).toBe('');
  });

  it('gets a clear error for a strategic merge patch', () => {
    const configMap = (value: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'strategic' },
      data: { value },
    });
    send(configMap('one'), 'apply');
    const { status, stderr } = send(configMap('two'), 'apply');
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('this API server does not support strategic merge patches'),
    ]);
    run('delete', 'configmap', 'strategic');
  });
});
