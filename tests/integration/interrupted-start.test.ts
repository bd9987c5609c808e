import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { asObject, parseJson } from '../../src/lib/json.ts';
import { localUser } from '../../src/local/command-line.ts';
import {
  makeRepository,
  runGit,
  type ServedForge,
  serveForge,
  withToken,
} from '../support/local/forge/served-forge.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import { launchSession, programsOf, volumeOf, writeFiles } from '../support/session-work.ts';
import { patience, waitFor } from '../support/wait-for.ts';

/** Ctrl-C while the platform starts, with a session that an earlier platform has left running. */

const main = join(import.meta.dirname, '../../src/local/main.ts');
const me = localUser();
const held = new Set<ServerResponse>();
let served: ServedForge;
let token: string;
let platform: Platform;
let name: string;

beforeAll(async () => {
  served = await serveForge({ localUser: me });
  token = served.forge.issueToken(me).token;
  const source = await makeRepository(join(served.scratch, 'project'), { 'a.txt': 'a\n' });
  const members = [{ username: me.username, accessLevel: 30 }];
  await served.forge.createProject({ namespace: 'team', path: 'project', members });
  await runGit(source, 'push', '--quiet', withToken(`${served.url}/team/project.git`, token), 'HEAD:refs/heads/main');
  platform = await startPlatform({ args: ['--no-demo', '--git-url', served.url], env: { GITLAB_TOKEN: token } });
  const commit = await runGit(source, 'rev-parse', 'HEAD');
  const launch = { namespace: 'team', project: 'project', branch: 'main', commit_sha: commit };
  ({ name } = await launchSession(platform, launch));
});
afterAll(async () => {
  for (const response of held) response.destroy();
  await platform?.dispose();
  await served?.close();
});

it('ends at once after a second Ctrl-C, although the save of a session does not end', async () => {
  const tree = join(volumeOf(platform, name), 'project');
  writeFiles(tree, { 'a.txt': 'edited\n' });
  const { stateDir, port } = platform;
  const serviceOf = () => asObject(parseJson(readFileSync(join(stateDir, 'service.process'), 'utf8')))?.['pid'];
  const former = serviceOf();
  await platform.crash();
  expect(programsOf(platform, 'agent')).toHaveLength(1);
  served.intercept = (_request, response) => held.add(response) !== undefined;

  const args = ['--port', String(port), '--state', stateDir, '--no-demo', '--git-url', served.url];
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, GITLAB_TOKEN: token },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const exited = once(child, 'exit');
  await expect.poll(serviceOf, { ...patience, interval: 10 }).not.toBe(former);
  // The start lasts until the service is ready.
  const service = Number(serviceOf());
  process.kill(service, 'SIGSTOP');
  child.kill('SIGINT');
  const first = performance.now();
  await expect.poll(() => output, patience).toContain('saving the work of 1 session');
  // A signal within a second belongs to the first Ctrl-C.
  await expect.poll(() => performance.now() - first, patience).toBeGreaterThan(1_100);
  child.kill('SIGINT');
  process.kill(service, 'SIGCONT');
  expect((await waitFor(exited, 'the end of the platform'))[0], output).toBe(130);
  expect(output).not.toContain(`${name}: `);
  expect(programsOf(platform, 'agent')).toEqual([]);
  expect(readFileSync(join(tree, 'a.txt'), 'utf8')).toBe('edited\n');
});
