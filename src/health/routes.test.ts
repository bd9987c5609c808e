import express from 'express';
import { describe, expect, it } from 'vitest';
import { startApp } from '../../tests/support/app.ts';
import { type Dependency, healthRoutes } from './routes.ts';

async function ask(path: string, dependencies: Dependency[], stopping = new AbortController().signal) {
  const health = healthRoutes({ prefix: '/notebooks', dependencies, stopping });
  await using app = await startApp({ routes: [express.Router()], parts: { health } });
  return await app.send({ path });
}

const dependency = (name: string, required: boolean, ready: boolean): Dependency => ({
  name,
  required,
  state: () => ({ ready, detail: `${name} is ${ready ? '' : 'not '}there` }),
});

describe('readiness', () => {
  it('depends on the required dependencies, and reports the others', async () => {
    const answer = await ask('/ready', [dependency('kubernetes', true, true), dependency('gitlab', false, false)]);
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({
      ready: true,
      dependencies: [
        { name: 'kubernetes', ready: true, required: true, detail: 'kubernetes is there' },
        { name: 'gitlab', ready: false, required: false, detail: 'gitlab is not there' },
      ],
    });
    expect((await ask('/ready', [dependency('kubernetes', true, false)])).status).toBe(503);
  });

  it('ends while the service is being stopped, but health does not', async () => {
    const answer = await ask('/ready', [], AbortSignal.abort());
    expect([answer.status, answer.json()['ready']]).toEqual([503, false]);
    expect((await ask('/health', [dependency('kubernetes', true, false)], AbortSignal.abort())).status).toBe(200);
  });
});

describe('the version', () => {
  it('has the format of the original', async () => {
    const answer = await ask('/notebooks/version', []);
    expect(answer.json()).toEqual({
      name: 'renku-notebooks',
      versions: [
        {
          version: expect.stringMatching(/^\d+\.\d+\.\d+/),
          data: {
            anonymousSessionsEnabled: true,
            cloudstorageEnabled: { s3: false, azure_blob: false },
            sshEnabled: false,
          },
        },
      ],
    });
  });
});
