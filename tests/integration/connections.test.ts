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

/** Tries to open `count` connections to a port as another user, sends `text` over each, and keeps them open. */
async function hold(port: number, count: number, text: string): Promise<void> {
  // The server may close a connection before the text is sent: without this, SIGPIPE would end the shell.
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

it.runIf(!isRoot)('needs root to open connections as another user', () => {
  process.stderr.write('\nNOT TESTED: connections of another user of the machine (run the tests as root)\n');
});

it.runIf(isRoot).each([
  ['say nothing', ''],
  ['never end a request', 'POST /auth/become HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Length: 9\\r\\n\\r\\nx'],
])('5,000 connections of another user that %s do not block the owner', async (_what, text) => {
  const { port } = new URL(platform.kubernetesUrl());
  for (const each of [platform.port, Number(port)]) await hold(each, 5_000, text);
  for (let i = 0; i < 3; i += 1) {
    const since = performance.now();
    const [pages, kubernetes] = await Promise.all([
      platform.api('/notebooks/servers'),
      platform.kubernetes('/api/v1/namespaces/default'),
    ]);
    // A generous limit for a busy machine: without the limit per user, the owner would get no response at all.
    expect(performance.now() - since).toBeLessThan(60_000);
    expect(pages.status).toBe(200);
    expect(kubernetes).toContain('"default"');
  }
});
