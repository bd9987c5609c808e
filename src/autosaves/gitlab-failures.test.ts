import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { registered } from '../../tests/support/autosaves/callers.ts';
import { type AutosaveService, outcome, startAutosaveService } from '../../tests/support/autosaves/service.ts';
import { ada, type ServedForge, serveForge } from '../../tests/support/local/forge/served-forge.ts';

const name = 'renku/autosave/ada/main/1234567/1234567';
const project = 'demo/first-light';

/** Responses that replace those of the forge. */
const faults: [string, RequestListener][] = [
  ['500', (_req, res) => res.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"500"}')],
  ['429', (_req, res) => res.writeHead(429, { 'retry-after': '60' }).end('{"message":"slow down"}')],
  ['a page', (_req, res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
  ['a 404 page', (_req, res) => res.writeHead(404, { 'content-type': 'text/html' }).end('<html>')],
  ['a 403 page', (_req, res) => res.writeHead(403, { 'content-type': 'text/html' }).end('<html>')],
  ['a redirect', (_req, res) => res.writeHead(302, { location: '/forge/api/v4/projects/1' }).end()],
  ['silence', () => undefined],
  ['half an answer', (_req, res) => res.writeHead(200, { 'content-length': '99' }).write('[', () => res.destroy())],
  ['a cut', (_req, res) => res.destroy()],
];

let served: ServedForge;
let service: AutosaveService;
beforeAll(async () => {
  served = await serveForge();
  await served.forge.ensureDemoProject();
});
// A new service for each test, because the client remembers the rate limits of GitLab.
beforeEach(async () => {
  service = await startAutosaveService({ requestTimeoutMs: 3_000 });
  service.callers.set('ada', registered(served.url, served.forge.issueToken(ada).token));
});
afterEach(() => service?.[Symbol.asyncDispose]());
afterAll(() => served?.close());

describe.each(faults)('a GitLab that answers with %s', (what, fault) => {
  it('is named as the cause when autosaves are listed', async () => {
    served.intercept = (req, res) => {
      fault(req, res);
      return true;
    };
    const answer = await service.list(project);
    expect(outcome(answer)).toEqual([500, 3000]);
    expect(answer.error().message).toBe('GitLab is temporarily unavailable.');
    if (what === '429') expect(answer.headers['retry-after']).toBe('60');
  });

  it('is never taken for a confirmation that the autosave is deleted or does not exist', async () => {
    let deletions = 0;
    served.intercept = (req, res) => {
      if (req.method !== 'DELETE') return false;
      deletions += 1;
      fault(req, res);
      return true;
    };
    const answer = await service.remove(project, name);
    expect(outcome(answer)).toEqual([500, 3000]);
    expect(answer.error().message).toBe(`GitLab did not confirm that the autosave ${name} was deleted.`);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(deletions, 'the deletion is sent once, and not to the target of a redirect').toBe(1);
  });
});

describe('a GitLab that is down', () => {
  it('is named as the cause', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    service.callers.set('nowhere', registered(`http://127.0.0.1:${port}`, 'a-token'));
    for (const answer of [await service.list(project, 'nowhere'), await service.remove(project, name, 'nowhere')]) {
      expect(outcome(answer)).toEqual([500, 3000]);
      expect(answer.error().message).toBe('GitLab is temporarily unavailable.');
    }
  });
});
