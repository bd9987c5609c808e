import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { otherUser } from '../support/other-os-user.ts';
import { type Platform, startPlatform } from '../support/platform.ts';

const isRoot = process.getuid?.() === 0;

let platform: Platform;
const children: ChildProcess[] = [];
beforeAll(async () => {
  platform = await startPlatform({ args: ['--no-demo'] });
});
afterAll(() => platform?.dispose());
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Opens connections to a port until it has tried `count` times, says `text` over each, and keeps them. */
async function hold(port: number, count: number, text: string): Promise<void> {
  // A connection may be ended before anything is said over it: SIGPIPE would end the shell.
  const script = `
    trap '' PIPE
    ulimit -n 8192
    for ((i = 0; i < ${count}; i++)); do
      exec {fd}<>/dev/tcp/127.0.0.1/${port} && printf '${text}' >&$fd
    done 2>/dev/null
    echo held
    read -r`;
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  const child = spawn('bash', ['-c', script], { stdio: [...stdio], ...otherUser, env: {}, cwd: '/' });
  children.push(child);
  const [line] = await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line');
  expect(line).toBe('held');
}

it.runIf(!isRoot)('connections of another user need a user who may be another one', () => {
  process.stderr.write('\nNOT TESTED: connections of another user of the machine (run the tests as root)\n');
});

it.runIf(isRoot).each([
  ['say nothing', ''],
  ['never end a request', 'POST /auth/become HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Length: 9\\r\\n\\r\\nx'],
])('5,000 connections of another user that %s do not shut the owner out', async (_what, text) => {
  const { port } = new URL(platform.kubernetesUrl());
  for (const each of [platform.port, Number(port)]) await hold(each, 5_000, text);
  for (let i = 0; i < 3; i += 1) {
    const since = performance.now();
    const [pages, kubernetes] = await Promise.all([
      platform.api('/notebooks/servers'),
      platform.kubernetes('/api/v1/namespaces/default'),
    ]);
    // Generous, for a busy machine: without a share of the ports the owner would not be answered at all.
    expect(performance.now() - since).toBeLessThan(10_000);
    expect(pages.status).toBe(200);
    expect(kubernetes).toContain('"default"');
  }
});
