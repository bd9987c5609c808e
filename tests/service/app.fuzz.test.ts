import express from 'express';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LaunchNotebookRequest } from '../../src/generated/openapi.ts';
import { startApp, type TestApp, type TestResponse } from '../support/app.ts';

const fields = [
  'namespace',
  'project',
  'branch',
  'commit_sha',
  'notebook',
  'image',
  'resource_class_id',
  'storage',
  'lfs_auto_fetch',
  'default_url',
  'environment_variables',
  'cloudstorage',
  'serverOptions',
  '__proto__',
  'constructor',
  'toString',
];

let app: TestApp;
/** Bodies that reached the handler. */
let reached: { body?: LaunchNotebookRequest } = {};
beforeAll(async () => {
  const router = express.Router();
  router.post('/servers', (req, res) => {
    reached.body = req.body as LaunchNotebookRequest;
    res.status(418).json({ error: { message: 'reached the route', detail: null, code: 1, requestId: '' } });
  });
  router.get('/servers', (_req, res) => void res.json({ servers: {} }));
  app = await startApp({ routes: [router] });
});
afterAll(() => app[Symbol.asyncDispose]());

function expectProper(response: TestResponse): void {
  expect(response.status, response.text).toBeLessThan(500);
  if (response.status < 400 || response.text === '') return;
  const { message, code, requestId } = response.error();
  expect(message).not.toBe('');
  expect(code).toBeGreaterThan(0);
  if (response.status !== 418) expect(requestId).toMatch(/^[-\w.]{8,64}$/);
}

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('3', 'true', '1G', '\u0000', '\ud800', ''),
);
const anyValue = fc.oneof(anyText, fc.jsonValue({ maxDepth: 4 }), fc.double(), fc.boolean(), fc.constant(null));
const launches = fc.dictionary(fc.oneof(fc.constantFrom(...fields), anyText), anyValue);
const almostValid = fc.record(
  {
    namespace: fc.constant('group'),
    project: fc.constant('project'),
    commit_sha: fc.constant('abc'),
    resource_class_id: fc.oneof(fc.integer(), fc.integer().map(String), anyValue),
    lfs_auto_fetch: fc.oneof(fc.boolean(), fc.constantFrom('true', 'FALSE', 'yes', 1, 0), anyValue),
    environment_variables: fc.oneof(fc.dictionary(fc.string(), anyText), anyValue),
    serverOptions: fc.oneof(
      fc.dictionary(fc.constantFrom('cpu_request', 'mem_request', 'gpu_request', 'lfs_auto_fetch'), anyValue),
      anyValue,
    ),
  },
  { requiredKeys: ['namespace', 'project', 'commit_sha'] },
);

describe('random requests', () => {
  const post = (text: string | Buffer, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    app.send({ method: 'POST', path: '/notebooks/servers', headers, body: text });

  it('a random launch never causes a 5xx, and only documented bodies reach the handler', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(launches, almostValid, anyValue), async (value) => {
        reached = {};
        const response = await post(JSON.stringify(value));
        expectProper(response);
        const { body } = reached;
        expect(response.status === 418).toBe(body !== undefined);
        if (!body) return;
        expect(typeof body.namespace).toBe('string');
        expect(typeof (body.lfs_auto_fetch ?? true)).toBe('boolean');
        expect(Number.isInteger(body.resource_class_id ?? 0)).toBe(true);
        for (const [name, text] of Object.entries(body.environment_variables ?? {})) {
          expect(name).toMatch(/^[A-Za-z_]\w*$/);
          expect(typeof text).toBe('string');
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('random bytes never cause a 5xx', async () => {
    const headers = fc.record({
      'content-type': fc.oneof(fc.constant('application/json'), fc.stringMatching(/^[ -~]*$/)),
    });
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1 }), headers, async (bytes, chosen) => {
        expectProper(await post(Buffer.from(bytes), chosen));
      }),
      { numRuns: 500 },
    );
  });

  it('random addresses, methods and headers never cause a 5xx', async () => {
    const target = fc.stringMatching(/^[!-~]+$/);
    const path = fc.oneof(
      target.map((text) => `/${text}`),
      target.map((text) => `/notebooks/servers${text}`),
      target.map((text) => `/notebooks/launch/${text}`),
      target.map((text) => `/notebooks/logs/abc?max_lines=${text}`),
      target.map((text) => `/notebooks/docs/${text}`),
      target.map((text) => `/notebooks/${text}/autosave`),
      target.map((text) => `/notebooks/a/autosave/${text}/autosave/renku/autosave/${text}`),
      target,
    );
    const headers = fc.dictionary(
      fc.constantFrom(
        'accept',
        'cookie',
        'origin',
        'x-request-id',
        'sec-fetch-site',
        'renku-auth-id-token',
        'renku-auth-anon-id',
        'content-type',
        'x-forwarded-proto',
        'accept-encoding',
        'range',
        'if-none-match',
      ),
      fc.stringMatching(/^[ -~]*$/),
    );
    const method = fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT', 'PATCH');
    await fc.assert(
      fc.asyncProperty(path, headers, method, async (chosen, sent, verb) => {
        expectProper(await app.send({ path: chosen, headers: sent, method: verb }));
      }),
      { numRuns: 1_000 },
    );
    expect(app.log()).not.toContain('"level":50');
  });
});
