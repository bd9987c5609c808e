import { expect, it } from 'vitest';
import { cloneEnvironment } from '../../../tests/support/git-clone/run-clone.ts';
import { retrying } from './remote.ts';
import { readSettings } from './settings.ts';
import { createWaiting } from './waiting.ts';

it('all steps of a clone together wait for the git server for a limited time', async () => {
  const settings = readSettings(
    cloneEnvironment({
      ...{ repositoryUrl: 'https://git.example.org/p.git', branch: 'main', commitSha: '0123abc', mountPath: '/work/p' },
    }),
  );
  let attempts = 0;
  const git = retrying(settings, {
    async git() {
      attempts++;
      return { exitCode: 128, stdout: '', stderr: 'fatal: unable to access: The requested URL returned error: 503' };
    },
    log: () => undefined,
    stop: new AbortController().signal,
    waiting: createWaiting(1_000),
  });
  const steps = 20;
  for (let step = 0; step < steps; step++) expect(await git(['fetch'])).toMatchObject({ exitCode: 128 });
  // The shortest pause is a quarter of a second.
  expect(attempts - steps).toBeLessThanOrEqual(4);
});
