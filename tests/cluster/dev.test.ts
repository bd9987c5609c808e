import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ClusterUnderTest, openClusterUnderTest } from '../support/cluster-under-test.ts';
import { freePort } from '../support/free-ports.ts';
import { patience } from '../support/wait-for.ts';

/** `npm run dev` with a real API server, as a user with the permissions of the service. */

const root = join(import.meta.dirname, '..', '..');
const context = 'my-cluster';
let cluster: ClusterUnderTest;
let folder: string;

beforeAll(async () => {
  if (inject('controlPlane') === undefined) return;
  cluster = await openClusterUnderTest();
  folder = mkdtempSync(join(tmpdir(), 'dev-'));
  const kubeconfig = parse(cluster.serviceKubeconfig);
  const [only] = kubeconfig.contexts;
  kubeconfig.contexts = [{ ...only, name: context, context: { ...only.context, namespace: cluster.namespace } }];
  kubeconfig['current-context'] = context;
  writeFileSync(join(folder, 'kubeconfig'), stringify(kubeconfig), { mode: 0o600 });
  writeFileSync(
    join(folder, 'config.hocon'),
    `git { url = "http://127.0.0.1:1", registry = "127.0.0.1:2" }
     sessions { ingress.host = sessions.test, oidc.client_secret = secret }
     metrics.enabled = false`,
    { mode: 0o600 },
  );
});
afterAll(async () => {
  if (folder) rmSync(folder, { recursive: true });
  await cluster?.close();
});

/** Starts `npm run dev` with the kubeconfig and the configuration file; with a command, in it. */
function startDev(args: readonly string[], port: number, command?: (dev: readonly string[]) => string[]) {
  const dev = [process.execPath, join(root, 'scripts/run.cjs'), 'dev', ...args];
  const [program = '', ...rest] = command ? command(dev) : dev;
  const child = spawn(program, rest, {
    env: {
      ...{ PATH: process.env['PATH'], HOME: folder, KUBECONFIG: join(folder, 'kubeconfig') },
      ...{ CONFIG_FILE: join(folder, 'config.hocon'), PORT: String(port) },
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => output, ended };
}

/** Returns the process ids of the services that have logged that they listen, in their order. */
const listening = (output: string): number[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"msg":"listening"'))
    .map((line) => JSON.parse(line).pid);

describe('npm run dev', () => {
  it('runs the service with the named context, restarts it when a source or configuration file changes, and ends with it', async () => {
    const port = await freePort();
    const { child, output, ended } = startDev(['--context', context], port);
    try {
      const ready = async () => (await fetch(`http://127.0.0.1:${port}/ready`)).status;
      await expect.poll(() => ready().catch(() => output()), patience).toBe(200);
      expect(output()).toMatch(new RegExp(`^context: +${context}$`, 'm'));
      expect(output()).toMatch(new RegExp(`^namespace: +${cluster.namespace}$`, 'm'));
      expect(output()).toMatch(/^cluster: +https:/m);

      const now = new Date();
      utimesSync(join(root, 'src/health/routes.ts'), now, now);
      await expect.poll(() => listening(output()).length, patience).toBe(2);
      const [first, second] = listening(output());
      expect(second).not.toBe(first);
      await expect.poll(() => ready().catch(() => output()), patience).toBe(200);

      utimesSync(join(folder, 'config.hocon'), now, new Date(now.getTime() + 5_000));
      await expect.poll(() => listening(output()).length, patience).toBe(3);

      child.kill('SIGINT');
      await ended;
      await expect.poll(() => listening(output()).filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('asks before it uses the current context, and starts nothing without a yes', async () => {
    const onTerminal = (dev: readonly string[]) => ['script', '-qec', dev.join(' '), '/dev/null'];
    const { child, output, ended } = startDev([], await freePort(), onTerminal);
    await expect.poll(output, patience).toContain('Run the service with this cluster? [y/N] ');
    expect(output()).toMatch(new RegExp(`context: +${context}`));
    child.stdin.write('n\n');
    expect(await ended).toBe(1);
    expect(output()).toContain('npm run dev: not started');
  });

  it.each([
    [
      'there is no terminal for its question',
      [],
      `there is no terminal for a question; name the context: --context ${context}`,
    ],
    [
      'the context does not exist',
      ['--context', 'other'],
      `the kubeconfig has no context "other"; its contexts are: ${context}`,
    ],
    ['an option is unknown', ['--contxt', context], "Unknown option '--contxt'"],
  ])('ends with the reason if %s', async (_case, args, reason) => {
    const { child, output, ended } = startDev(args, await freePort());
    child.stdin.end();
    expect(await ended).toBe(1);
    expect(output()).toContain(reason);
  });
});
