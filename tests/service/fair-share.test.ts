import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { send, type TestResponse } from '../support/app.ts';
import { type Backends, startBackends } from '../support/sessions/backends.ts';
import { testConfig } from '../support/sessions/config.ts';
import { commitSha } from '../support/sessions/fake-gitlab.ts';
import { startWholeService, type WholeService } from '../support/whole-service.ts';

let backends: Backends;
let service: WholeService;

beforeAll(async () => {
  backends = await startBackends();
  const { cluster, gitlab, registry } = backends;
  service = await startWholeService({
    kubeconfig: cluster.kubeconfig,
    config: {
      git: { url: gitlab.url, registry: registry.host },
      request: { ...testConfig().request, deadline_ms: 3_000 },
    },
  });
});
beforeEach(() => {
  backends.gitlab.fault = () => undefined;
  backends.registry.fault = () => undefined;
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await backends.close();
});

type Request = WholeService['request'];
const asJohn: Request = (...request) => service.request(...request);
/** Sends a request as the anonymous user with this number. */
const anonymous =
  (id: number): Request =>
  (method, path, body) =>
    send(service.port, {
      method,
      path: `/notebooks${path}`,
      headers: { 'content-type': 'application/json', 'renku-auth-anon-id': `anon-${id}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const statuses = (responses: readonly TestResponse[]) => {
  const counts: Record<number, number> = {};
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};
const checkImage = (name: string, request = asJohn) =>
  request('GET', `/images?image_url=${encodeURIComponent(`${backends.registry.host}/${name}`)}`);

it('limits the image checks of one user that hang, and does not delay those of other users', async () => {
  backends.registry.fault = (path) => (path.includes('slow') ? 'silence' : undefined);
  const hanging = many(15, (index) => checkImage(`slow/${index}`));
  const quick = await Promise.all(many(5, (index) => checkImage('my-group/my-project:0123456', anonymous(index))));
  expect(statuses(quick)).toEqual({ 200: 5 });
  const responses = await Promise.all(hanging);
  expect(statuses(responses)).toEqual({ 404: 10, 429: 5 });
  const rejected = responses.find(({ status }) => status === 429);
  expect([rejected?.error().code, rejected?.headers['retry-after']]).toEqual([1429, '5']);
});

it('limits the image checks of all anonymous users together, because anonymous ids cost nothing', async () => {
  backends.registry.fault = (path) => (path.includes('slow') ? 'silence' : undefined);
  const hanging = many(60, (index) => checkImage(`slow/anonymous-${index}`, anonymous(index)));
  expect((await checkImage('my-group/my-project:0123456')).status).toBe(200);
  expect(statuses(await Promise.all(hanging))).toEqual({ 404: 40, 429: 20 });
});

it('counts dry runs with the launches of the same user only', async () => {
  backends.gitlab.fault = () => 'silence';
  const body = (branch: string) => ({ namespace: 'my-group', project: 'my-project', commit_sha: commitSha, branch });
  const dryRun = (index: number, request = asJohn) => request('POST', '/servers?dry_run=true', body(`dry-${index}`));
  const own = [
    ...many(15, (index) => service.request('POST', '/servers', body(`launch-${index}`))),
    ...many(10, (index) => dryRun(index)),
  ];
  const other = await Promise.all(many(5, (index) => dryRun(index, anonymous(1))));
  expect(statuses(other)).toEqual({ 200: 5 });
  const responses = await Promise.all(own);
  expect(responses.filter(({ status }) => status === 429)).toHaveLength(5);
});
