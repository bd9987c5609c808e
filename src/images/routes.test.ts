import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import express from 'express';
import pino from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deadline } from '../deadline.ts';
import { type ApiError, errorBody } from '../errors.ts';
import type { RequestContext } from '../request-context.ts';
import { imagesRoutes } from './routes.ts';
import type { ImageCheck } from './types.ts';

const answers: Record<string, ImageCheck> = {
  there: { exists: true, private: true, workingDir: '/home/jovyan' },
  missing: { exists: false, reason: 'not-found', message: 'There is no such image.' },
};
let server: Server;
let origin: string;

beforeAll(async () => {
  const app = express();
  app.use((_req, res, next) => {
    const identity = {
      kind: 'anonymous',
      source: 'cookie',
      id: 'anon-1',
      username: 'anon-1',
      git: { url: '', token: null, tokenExpiresAt: 0 },
    } as const;
    const context: RequestContext = {
      id: 'r1',
      log: pino({ level: 'silent' }),
      deadline: Deadline.after(5_000),
      identity,
    };
    res.locals['context'] = context;
    next();
  });
  app.use('/notebooks', imagesRoutes({ checker: { check: async (reference) => answers[reference] as ImageCheck } }));
  app.use((error: ApiError, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(error.kind.status).json(errorBody(error, 'r1'));
  });
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notebooks/images`;
});
afterAll(() => void server.close());

test.each([
  ['there', 200],
  ['missing', 404],
])('%s is %d with an empty body', async (image, status) => {
  for (const accept of ['*/*', 'text/html']) {
    const answer = await fetch(`${origin}?image_url=${image}`, { headers: { accept } });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toBe('');
  }
});

test('who asks for JSON is told what was found, or why not', async () => {
  const headers = { accept: 'application/json' };
  expect(await (await fetch(`${origin}?image_url=there`, { headers })).json()).toEqual(answers['there']);
  const missing = await fetch(`${origin}?image_url=missing`, { headers });
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ error: { code: 1404, message: 'There is no such image.' } });
});

test.each(['', '?image_url=', '?image_url=a&image_url=b'])('%j names no image: 422', async (query) => {
  const answer = await fetch(origin + query);
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ error: { fields: [{ path: 'query.image_url' }] } });
});
