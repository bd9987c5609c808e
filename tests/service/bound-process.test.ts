import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';

const helper = pathToFileURL(`${import.meta.dirname}/../support/bound-process.ts`).href;

it.skipIf(process.platform !== 'linux').each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
  'the programs of a control plane end with the process of the tests, also if it gets %s',
  async (signal) => {
    const script = `
      import { spawnBound } from ${JSON.stringify(helper)};
      console.log(spawnBound('sleep', ['1000'], { stdio: 'ignore' }).pid);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(parent, 'exit');
    const [pid] = await once(createInterface(parent.stdout), 'line');
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    parent.kill(signal);
    await exit;
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  },
);

it('a program of a control plane is not started by a worker thread, whose end would end the program', async () => {
  const code = `import(${JSON.stringify(helper)}).then(({ spawnBound }) => spawnBound('sleep', ['1000'], { stdio: 'ignore' }));`;
  const [error] = await once(new Worker(code, { eval: true }), 'error');
  expect(String(error)).toContain('must be started by its main thread');
});
