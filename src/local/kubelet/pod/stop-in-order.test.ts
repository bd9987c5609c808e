import { expect, it } from 'vitest';
import { newRecord } from './status.ts';
import { stopInOrder } from './stop-in-order.ts';

it('stops the agent and the git proxy in this order, also if another container cannot be stopped', async () => {
  const stopped: string[] = [];
  const container = (name: string, failure?: string) => ({
    record: newRecord(name, 'image', false, 'ContainerCreating'),
    async stop(graceMs: number) {
      if (failure !== undefined) throw new Error(failure);
      stopped.push(`${name} ${graceMs > 0 ? 'with time' : 'at once'}`);
    },
  });
  const containers = [
    container('git-proxy'),
    container('git-sidecar'),
    container('jupyter-server', 'EPERM'),
    container('oauth2-proxy'),
  ];
  await expect(stopInOrder(containers, 10_000, false)).rejects.toMatchObject({
    errors: [expect.objectContaining({ message: 'EPERM' })],
  });
  expect(stopped).toEqual(['oauth2-proxy with time', 'git-sidecar with time', 'git-proxy with time']);

  stopped.length = 0;
  await stopInOrder([container('git-proxy'), container('git-sidecar')], 10_000, true);
  expect(stopped).toEqual(['git-sidecar at once', 'git-proxy at once']);
});
