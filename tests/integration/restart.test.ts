import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { ensureTls } from '../../src/local/http/tls.ts';
import { freePort } from '../support/free-ports.ts';
import {
  isAlive,
  jupyterOrigins,
  lasting,
  markedProcesses,
  type Platform,
  startPlatform,
} from '../support/platform.ts';
import { demoCommit, launchBody, openSession, type SessionResponse, waitForState } from '../support/session.ts';

let platform: Platform | undefined;
afterEach(() => platform?.dispose());

async function threeSessions(running: Platform): Promise<SessionResponse[]> {
  const [main, minima] = await Promise.all([demoCommit(running), demoCommit(running, 'solar-minima')]);
  const launched = await Promise.all(
    [
      ['main', main],
      ['solar-minima', minima],
      ['solar-minima', main],
    ].map(async ([branch, commit = '']) => {
      const response = await running.api('/notebooks/servers', launchBody(commit, { branch }));
      return (await response.json()) as SessionResponse;
    }),
  );
  return Promise.all(launched.map(({ name }) => waitForState(running, name, ['running'])));
}

async function names(running: Platform): Promise<string[]> {
  const { servers } = (await (await running.api('/notebooks/servers')).json()) as {
    servers: Record<string, SessionResponse>;
  };
  return Object.keys(servers).sort();
}

it('sessions of a killed platform continue, and the next start adopts them, with their addresses and variables', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'notebook-sessions-restart-'));
  const port = await freePort();
  platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });
  const sessions = await threeSessions(platform);
  const first = sessions[0] as SessionResponse;
  const before = await openSession(platform, first.url);
  const kernel = await before.startKernel();
  await before.execute(kernel, 'treasure = 6 * 7');
  const processes = lasting(markedProcesses(stateDir));
  // For each session the watchers and reapers of three containers, Jupyter with its supervisor and the shell that watches the supervisor,
  // the agent and the git proxy, and one kernel.
  expect(processes).toHaveLength(34);
  const origins = jupyterOrigins(stateDir);
  // Each pod has an address of its own, and the same port.
  expect(origins.map((origin) => new URL(origin).port)).toEqual(['8888', '8888', '8888']);

  await platform.crash();
  platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });

  expect(await names(platform)).toEqual(sessions.map(({ name }) => name).sort());
  await Promise.all(sessions.map(({ name }) => waitForState(platform as Platform, name, ['running'])));
  const after = await openSession(platform, first.url);
  expect(await after.execute(kernel, 'treasure')).toBe('42');
  expect(lasting(markedProcesses(stateDir))).toEqual(processes);
  expect(jupyterOrigins(stateDir)).toEqual(origins);

  // Ctrl-C ends all processes, including those that a kernel has started, and the next start restarts the sessions.
  await after.execute(kernel, "import subprocess; subprocess.Popen(['setsid', 'sleep', '600']); None");
  const since = performance.now();
  expect(await platform.stop()).toBe(0);
  // The limit is 15 s. The rest is for a busy machine.
  expect(performance.now() - since).toBeLessThan(30_000);
  expect(markedProcesses(stateDir)).toEqual([]);

  platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });
  expect(await names(platform)).toEqual(sessions.map(({ name }) => name).sort());
  await Promise.all(sessions.map(({ name }) => waitForState(platform as Platform, name, ['running'])));

  // If only the platform process is killed, its two programs are left: the next start ends and replaces them.
  expect(jupyterOrigins(stateDir)).toEqual(origins);
  const orphans = platform.programs();
  expect(orphans).toHaveLength(2);
  await platform.crashAlone();
  platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });
  expect(orphans.filter(isAlive)).toEqual([]);
  expect(platform.programs()).toHaveLength(2);
  expect(await names(platform)).toEqual(sessions.map(({ name }) => name).sort());
});

it('Ctrl-C ends the platform and its sessions also if its output is closed', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'notebook-sessions-restart-'));
  platform = await startPlatform({ stateDir, args: ['--no-demo'] });
  const launched = await platform.api('/notebooks/servers', launchBody(await demoCommit(platform)));
  await waitForState(platform, ((await launched.json()) as SessionResponse).name, ['running']);
  platform.closeOutput();
  expect(await platform.stop()).toBe(0);
  expect(markedProcesses(stateDir)).toEqual([]);
});

it('a server that takes the port of the Kubernetes API after a crash gets no request, so no token', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'notebook-sessions-restart-'));
  const port = await freePort();
  platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });
  const before = new URL(platform.kubernetesUrl());
  await platform.crashAlone();

  // As any user of the machine can do: a certificate with the same names, but not the one in the kubeconfig.
  const directory = mkdtempSync(join(tmpdir(), 'notebook-sessions-other-'));
  const requests: string[] = [];
  let connections = 0;
  const other = createServer(await ensureTls(directory), (req, res) => {
    requests.push(`${req.method} ${req.url}`);
    res.end('{}');
  });
  other.on('connection', () => {
    connections += 1;
  });
  other.listen(Number(before.port), before.hostname);
  try {
    await once(other, 'listening');
    // Service and operator still run, and connect again.
    await expect.poll(() => connections).toBeGreaterThan(3);
    expect(requests).toEqual([]);
    platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });
    expect(platform.kubernetesUrl()).not.toBe(before.origin);
    expect(await platform.kubernetes('/api/v1/namespaces/default')).toContain('"default"');
    expect(requests).toEqual([]);
  } finally {
    other.closeAllConnections();
    other.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
