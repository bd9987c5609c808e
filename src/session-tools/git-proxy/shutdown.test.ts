import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startGitProxy } from '../../../tests/support/git-proxy/start-git-proxy.ts';
import { createShutdown } from './shutdown.ts';

describe('the end of the proxy', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const started = (waitForAgent = true, active = () => 0) => {
    const shutdown = createShutdown({ waitForAgent, graceMs: 600_000, active });
    let hasEnded = false;
    return {
      saved: () => shutdown.saved(),
      terminate: () => void shutdown.allowed().then(() => (hasEnded = true)),
      hasEndedAfter: async (ms: number) => {
        await vi.advanceTimersByTimeAsync(ms);
        return hasEnded;
      },
    };
  };

  it('is at SIGTERM without an agent', async () => {
    const proxy = started(false);
    proxy.terminate();
    expect(await proxy.hasEndedAfter(0)).toBe(true);
  });

  it('is after the requests in progress', async () => {
    let active = 1;
    const proxy = started(false, () => active);
    proxy.terminate();
    expect(await proxy.hasEndedAfter(60_000)).toBe(false);
    active = 0;
    expect(await proxy.hasEndedAfter(1_000)).toBe(true);
  });

  it('is when the agent has saved the work after SIGTERM', async () => {
    const proxy = started();
    proxy.terminate();
    expect(await proxy.hasEndedAfter(300_000)).toBe(false);
    proxy.saved();
    expect(await proxy.hasEndedAfter(1_000)).toBe(true);
  });

  it('is soon after SIGTERM if a fast agent has saved the work just before', async () => {
    const proxy = started();
    proxy.saved();
    proxy.terminate();
    expect(await proxy.hasEndedAfter(5_000)).toBe(false);
    expect(await proxy.hasEndedAfter(6_000)).toBe(true);
  });

  it('does not depend on a save long before SIGTERM', async () => {
    const proxy = started();
    proxy.saved();
    expect(await proxy.hasEndedAfter(100_000)).toBe(false);
    proxy.terminate();
    expect(await proxy.hasEndedAfter(300_000)).toBe(false);
  });

  it('is at the end of the grace period if the agent has failed', async () => {
    const proxy = started();
    proxy.terminate();
    expect(await proxy.hasEndedAfter(601_000)).toBe(true);
  });
});

describe('the health port', () => {
  it('responds to the kubelet, and to the shutdown request of the sidecar of renku-notebooks at any time', async () => {
    await using proxy = await startGitProxy({
      repositoryUrl: 'https://git.example.org/a/b.git',
      variables: { waitForAgent: '1' },
    });
    const health = (path: string) => fetch(`http://127.0.0.1:${proxy.healthPort}${path}`);
    expect(await (await health('/ping')).json()).toEqual({ message: 'pong' });
    expect((await health('/health')).status).toBe(200);
    expect((await health('/https/git.example.org/a/b.git')).status).toBe(404);
    proxy.process.kill('SIGTERM');
    expect((await health('/health')).status).toBe(200);
    expect((await health('/shutdown')).status).toBe(200);
    expect(await proxy.ended).toBe(0);
  });

  it('ends without an agent at SIGTERM', async () => {
    await using proxy = await startGitProxy({ repositoryUrl: 'https://git.example.org/a/b.git' });
    proxy.process.kill('SIGTERM');
    expect(await proxy.ended).toBe(0);
    expect(proxy.output()).toContain('The git proxy has ended.');
  });
});
