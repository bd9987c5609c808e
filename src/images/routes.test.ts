import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp, type TestApp } from '../../tests/support/app.ts';
import { testConfig } from '../../tests/support/sessions/config.ts';
import { createCallerLimits } from '../caller-limit.ts';
import { ApiError, errorKind } from '../errors.ts';
import { imagesRoutes } from './routes.ts';
import type { ImageCheck } from './types.ts';

const missing = (reason: (ImageCheck & { exists: false })['reason']): ImageCheck => ({
  exists: false,
  reason,
  message: 'There is no such image.',
  remedy: 'Look again.',
});
const there = { exists: true, private: true, platforms: ['linux/amd64'], size: 5, workingDir: '/home/jovyan' } as const;
const silent = { exists: true, private: false, platforms: [], size: null, workingDir: null } as const;
const answers: Record<string, ImageCheck> = {
  there: { ...there, jupyter: 'lab', runsArguments: true },
  silent: { ...silent, jupyter: null, runsArguments: null },
  'not-found': missing('not-found'),
  'needs-login': missing('needs-login'),
  unreachable: missing('unreachable'),
  'invalid-answer': missing('invalid-answer'),
  'address-refused': missing('address-refused'),
};
let app: TestApp;

beforeAll(async () => {
  const checker = {
    async check(reference: string): Promise<ImageCheck> {
      const answer = answers[reference];
      if (!answer) throw new ApiError(errorKind.invalidImageReference, 'That is no name of an image.');
      return answer;
    },
  };
  // It holds every answer against openapi.yaml.
  app = await startApp({
    routes: [imagesRoutes({ checker, limit: createCallerLimits(testConfig().limits).imageChecks })],
  });
});
afterAll(() => app[Symbol.asyncDispose]());

const ask = (query: string, accept?: string) =>
  app.send({ path: `/notebooks/images${query}`, headers: accept === undefined ? {} : { accept } });

// rest-api 12.1.
test.each([
  ['there', 200],
  ['silent', 200],
  ['not-found', 404],
  ['needs-login', 404],
  ['unreachable', 404],
  ['invalid-answer', 404],
  ['address-refused', 404],
])(
  'the response for %s has status %d and no body if the caller does not accept JSON, as in the original',
  async (image, status) => {
    for (const accept of ['text/html', 'application/json;q=0, */*', 'image/*']) {
      const answer = await ask(`?image_url=${image}`, accept);
      expect(answer.status).toBe(status);
      expect(answer.text).toBe('');
    }
  },
);

test('any other caller gets the result of the check', async () => {
  const accepts = [
    undefined,
    '*/*',
    'application/json, */*;q=0.1',
    'text/html, */*;q=0.8',
    'application/*',
    'text/html, application/json',
  ];
  for (const [image, accept] of ['there', 'silent'].flatMap((image) => accepts.map((accept) => [image, accept]))) {
    const answer = await ask(`?image_url=${image}`, accept);
    expect(answer.status).toBe(200);
    // How the image starts Jupyter is for launches only.
    expect(answer.json()).toEqual(image === 'there' ? there : silent);
    expect(answer.headers.vary).toContain('Accept');
  }
});

test.each(['not-found', 'needs-login', 'unreachable', 'invalid-answer', 'address-refused'])(
  'or that it is %s, and what to do',
  async (image) => {
    const answer = await ask(`?image_url=${image}`, 'application/json');
    expect(answer.status).toBe(404);
    const error = {
      code: 1404,
      message: 'There is no such image.',
      detail: 'Look again.',
      requestId: expect.any(String),
    };
    expect(answer.json()).toEqual({ exists: false, reason: image, error });
  },
);

test('a request without an image is 422', async () => {
  const answer = await ask('');
  expect(answer.status).toBe(422);
  expect(answer.error()).toMatchObject({ code: 1422, fields: [{ path: 'query.image_url' }] });
});

test.each([':::', '', '%20', 'a%00b'])('an invalid reference is 422 with code 1002: %j', async (name) => {
  const answer = await ask(`?image_url=${name}`);
  expect([answer.status, answer.error().code]).toEqual([422, 1002]);
});

test('the first value of a repeated parameter is used', async () => {
  expect((await ask('?image_url=there&image_url=not-found')).status).toBe(200);
  expect((await ask('?image_url=not-found&image_url=there')).status).toBe(404);
});
