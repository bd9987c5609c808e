import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, startPlatform } from '../support/platform.ts';
import { demoCommit, launchBody, type SessionAnswer, waitForState } from '../support/session.ts';

/** KUBECTL names one or several, separated by colons (tests/kubectl/install): old and new ones must be pleased. */
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
  expect(inCi, 'in CI a kubectl must be there').toBe(false);
});

describe.each(kubectls)('%s', (kubectl) => {
  const args = (...more: string[]) => ['--kubeconfig', join(platform.stateDir, 'kubeconfig'), ...more];
  const run = (...more: string[]) => execFileSync(kubectl, args(...more), { encoding: 'utf8' });

  it('gets, watches, describes, reads logs and deletes', async () => {
    const watch = spawn(kubectl, args('get', 'js', '-w'), { stdio: ['ignore', 'pipe', 'inherit'] });
    const rows: string[] = [];
    createInterface({ input: watch.stdout }).on('line', (line) => rows.push(line));

    const response = await platform.api('/notebooks/servers', launchBody(await demoCommit(platform)));
    const { name } = (await response.json()) as SessionAnswer;
    await waitForState(platform, name, ['running']);

    const table = run('get', 'js');
    expect(table).toMatch(/^NAME\s+IMAGE\s+URL\s+POD STATUS/);
    expect(table).toMatch(new RegExp(`${name}.*Running`));
    expect(run('get', 'js,pods,statefulsets', '-o', 'name').trim().split('\n').length).toBe(3);
    const described = run('describe', 'js', name);
    expect(described).toContain(name);
    expect(run('describe', 'pod', `${name}-0`)).toContain('jupyter-server');
    expect(run('logs', `${name}-0`, '-c', 'git-clone')).toMatch(/\S/);

    const follow = spawn(kubectl, args('logs', '-f', `${name}-0`, '-c', 'jupyter-server'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => follow.on('exit', resolve));
    await new Promise((resolve) => follow.stdout.once('data', resolve));
    run('delete', 'js', name, '--wait=true');
    await ended;
    expect(run('get', 'js', '-o', 'name')).toBe('');
    watch.kill();
    expect(rows.length).toBeGreaterThan(2);
  });
});
