import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../tests/support/app.ts';
import { seen, testRoutes } from '../../tests/support/routes.ts';

const json = { 'content-type': 'application/json' };
const launch = { namespace: 'group', project: 'project', commit_sha: 'abc1234' };

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ routes: [testRoutes()] });
});
afterAll(() => app[Symbol.asyncDispose]());

const get = (path: string, headers: Record<string, string> = {}) => app.send({ path: `/notebooks${path}`, headers });
const post = (body: unknown, headers: Record<string, string> = json) =>
  app.send({
    method: 'POST',
    path: '/notebooks/servers',
    headers,
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });

describe('a body', () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const cases: [string, string | Buffer, number, string[]][] = [
    ['broken JSON', '{"namespace": }', 400, ['body']],
    ['JSON that ends early', '{"namespace": "a"', 400, ['body']],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, []],
    ['no body', '', 422, ['body.namespace', 'body.project', 'body.commit_sha']],
    ['an array', '[]', 422, ['body']],
    ['null', 'null', 422, ['body']],
    ['a number', '5', 422, ['body']],
    ['deep nesting', deep(200), 422, ['body']],
    ['very deep nesting without an end', '['.repeat(500_000), 400, ['body']],
    ['very deep nesting', '['.repeat(400_000) + ']'.repeat(400_000), 422, ['body']],
    [
      'too many values',
      JSON.stringify({ ...launch, cloudstorage: Array.from({ length: 20_000 }, () => 0) }),
      422,
      ['body'],
    ],
    ['too many bytes', JSON.stringify({ a: 'x'.repeat(1_100_000) }), 413, []],
    ['an unknown field', JSON.stringify({ ...launch, zzz: 1 }), 422, ['body.zzz']],
    [
      'a prototype',
      '{"namespace":"a","project":"b","commit_sha":"c","__proto__":{"image":"x"}}',
      422,
      ['body.__proto__'],
    ],
    [
      'a constructor',
      '{"namespace":"a","project":"b","commit_sha":"c","constructor":{"prototype":{"x":1}}}',
      422,
      ['body.constructor'],
    ],
    [
      'values of wrong types',
      JSON.stringify({ namespace: 1, project: null, commit_sha: [], branch: {} }),
      422,
      ['body.namespace', 'body.project', 'body.commit_sha', 'body.branch'],
    ],
    ['a NUL', JSON.stringify({ ...launch, image: 'a\u0000b' }), 422, ['body.image']],
    [
      'control characters',
      JSON.stringify({ ...launch, project: 'a\nb', branch: 'a\u001bb' }),
      422,
      ['body.project', 'body.branch'],
    ],
    ['one half of a surrogate pair', '{"namespace":"a","project":"\\ud800","commit_sha":"c"}', 422, ['body.project']],
    [
      'strings that are too long',
      JSON.stringify({ ...launch, project: 'x'.repeat(600), commit_sha: 'a'.repeat(65) }),
      422,
      ['body.project', 'body.commit_sha'],
    ],
    [
      'a commit that is not a valid label value',
      JSON.stringify({ ...launch, commit_sha: 'feature/x' }),
      422,
      ['body.commit_sha'],
    ],
    [
      'empty strings',
      JSON.stringify({ namespace: '', project: '', commit_sha: '' }),
      422,
      ['body.namespace', 'body.project', 'body.commit_sha'],
    ],
    [
      'invalid names of variables',
      JSON.stringify({ ...launch, environment_variables: { '1A': 'x', 'A-B': 'x', '': 'x', OK: 'x' } }),
      422,
      ['body.environment_variables.1A', 'body.environment_variables.A-B', 'body.environment_variables.'],
    ],
    [
      'variables that are not strings',
      JSON.stringify({ ...launch, environment_variables: { A: 1, B: null } }),
      422,
      ['body.environment_variables.A', 'body.environment_variables.B'],
    ],
    [
      'a prototype among the variables',
      '{"namespace":"a","project":"b","commit_sha":"c","environment_variables":{"__proto__":"x"}}',
      422,
      ['body.environment_variables.__proto__'],
    ],
    [
      'text that is not a number',
      JSON.stringify({ ...launch, resource_class_id: 'three', storage: '1.5' }),
      422,
      ['body.resource_class_id', 'body.storage'],
    ],
    [
      'numbers that are too large',
      '{"namespace":"a","project":"b","commit_sha":"c","storage":1e400}',
      422,
      ['body.storage'],
    ],
    [
      'invalid server options',
      JSON.stringify({
        ...launch,
        serverOptions: { cpu_request: -1, mem_request: '1GiB', gpu_request: '0.5', other: 1 },
      }),
      422,
      [
        'body.serverOptions.cpu_request',
        'body.serverOptions.mem_request',
        'body.serverOptions.gpu_request',
        'body.serverOptions.other',
      ],
    ],
    [
      'incomplete cloud storage',
      JSON.stringify({ ...launch, cloudstorage: [{ bucket: 'b' }] }),
      422,
      ['body.cloudstorage.0.endpoint'],
    ],
  ];

  it.each(cases)('with %s is rejected', async (_what, body, status, paths) => {
    const response = await post(body);
    expect(response.status, response.text).toBe(status);
    const { code, fields, detail } = response.error();
    expect(code).toBe(1000 + status);
    expect((fields ?? []).map(({ path }) => path).sort()).toEqual([...paths].sort());
    for (const { path } of status === 422 ? (fields ?? []) : []) expect(detail).toContain(path);
  });

  it('with too many invalid fields is rejected with some of them and the number of the others', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`field${index}`, index]));
    const { fields, detail, message } = (await post({ ...launch, ...unknown })).error();
    expect(message).toBe('400 fields of the request are not valid.');
    expect(fields).toHaveLength(50);
    expect(detail).toContain('And 350 more.');
  });

  it('that is valid reaches the route with the documented defaults', async () => {
    expect((await post(launch)).error().message).toBe('The request reached the route.');
    expect(seen.body).toEqual({ ...launch, environment_variables: {}, cloudstorage: [] });
  });

  it('may contain numbers and booleans as text, as the original accepted them', async () => {
    await post({
      ...launch,
      resource_class_id: '3',
      storage: ' 20 ',
      lfs_auto_fetch: 'True',
      serverOptions: { gpu_request: '1', lfs_auto_fetch: 'off', cpu_request: '500m' },
    });
    expect(seen.body).toMatchObject({
      resource_class_id: 3,
      storage: 20,
      lfs_auto_fetch: true,
      serverOptions: { gpu_request: 1, lfs_auto_fetch: false, cpu_request: '500m' },
    });
    await post({ ...launch, storage: null, image: null, resource_class_id: null, notebook: null, lfs_auto_fetch: 0 });
    expect(seen.body).toMatchObject({
      storage: null,
      image: null,
      resource_class_id: null,
      notebook: null,
      lfs_auto_fetch: false,
    });
  });

  it('may contain line breaks in the value of a variable', async () => {
    const environment_variables = { KEY: 'line\n\tother\r\n' };
    await post({ ...launch, environment_variables });
    expect(seen.body).toMatchObject({ environment_variables });
  });

  it('may have any JSON content type and no other', async () => {
    const body = JSON.stringify(launch);
    for (const type of [
      'application/json; charset=UTF-8',
      'application/vnd.api+json',
      'APPLICATION/JSON',
      'application/json;charset="utf-8"',
      'application/json; charset=iso-8859-1',
      'application/json ; charset=no-such-charset',
    ]) {
      expect((await post(body, { 'content-type': type })).status, type).toBe(404);
    }
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'multipart/form-data; boundary=x',
      'x',
    ]) {
      const response = await post(body, { 'content-type': type });
      expect(response.status, type).toBe(415);
      expect(response.error()).toMatchObject({ code: 1415, fields: [{ path: 'header.Content-Type' }] });
    }
    const untyped = await app.send({
      method: 'POST',
      path: '/notebooks/servers',
      headers: { 'content-length': '2' },
      body: '{}',
    });
    expect(untyped.status).toBe(415);
  });

  it('with a wrong or unknown Content-Encoding is rejected', async () => {
    expect((await post('{}', { ...json, 'content-encoding': 'zstd-x' })).status).toBe(415);
    expect((await post('{}', { ...json, 'content-encoding': 'gzip' })).status).toBe(400);
  });

  it('of an operation without a body is ignored', async () => {
    const headers = { 'content-type': 'x/y; charset=z', 'content-length': '3' };
    expect((await app.send({ path: '/notebooks/servers', headers, body: 'abc' })).status).toBe(200);
  });
});

describe('a path', () => {
  it('has its parameters validated in each request of an operation, decoded', async () => {
    const path = (id: string) => `/servers/x/operations/${encodeURIComponent(id)}`;
    for (const id of ['an-id', 'not an id', 'a/b', 'another-id', '%']) {
      const response = await get(path(id));
      if (id.endsWith('-id')) expect(response.error().message, id).toBe('This address does not exist.');
      else expect(response.error().fields, id).toMatchObject([{ path: 'path.operation_id' }]);
    }
  });
});

describe('a query', () => {
  it('has the documented types, and unknown parameters are ignored', async () => {
    await get('/servers?project=a/b:c&branch=feature%2Fx&unknown=1&__proto__=x&constructor=y&project2[a]=b&namespace=');
    expect(seen.query).toEqual({ project: 'a/b:c', branch: 'feature/x', namespace: '' });
    await get('/logs/abc');
    expect(seen.query).toEqual({ max_lines: 250 });
    await get('/logs/abc?max_lines=7&max_lines2=x');
    expect(seen.query).toEqual({ max_lines: 7 });
  });

  it.each(['true', 'True', '1', 'yes', 'on'])('accepts forced=%s', async (word) => {
    await app.send({ method: 'DELETE', path: `/notebooks/servers/abc?forced=${word}` });
    expect(seen.query).toEqual({ forced: true });
  });

  it.each([
    ['/logs/abc?max_lines=-1', 'query.max_lines'],
    ['/logs/abc?max_lines=many', 'query.max_lines'],
    ['/logs/abc?max_lines=', 'query.max_lines'],
    ['/logs/abc?max_lines=x&max_lines=2', 'query.max_lines'],
    ['/logs/abc?max_lines=2.0', 'query.max_lines'],
    ['/logs/abc?max_lines=1e2', 'query.max_lines'],
    ['/logs/abc?max_lines=0x10', 'query.max_lines'],
    ['/logs/abc?max_lines=99999999999', 'query.max_lines'],
    ['/images', 'query.image_url'],
  ])('%s is rejected with the name of the parameter', async (path, field) => {
    const response = await get(path);
    expect(response.status).toBe(422);
    const { code, fields, detail } = response.error();
    expect(code).toBe(1422);
    expect(fields?.map(({ path }) => path)).toEqual([field]);
    expect(detail).toContain(field);
  });

  it('uses the first value of a repeated parameter, and keeps a value that cannot be decoded', async () => {
    await get('/servers?project=a&branch=b%0Ac&project=b&project=c');
    expect(seen.query).toEqual({ project: 'a', branch: 'b\nc' });
    await get('/servers?project=100%&branch=%zz&%ff=%');
    expect(seen.query).toEqual({ project: '100%', branch: '%zz' });
    await get('/logs/abc?max_lines=%207&follow=no&follow=nonsense');
    expect(seen.query).toEqual({ max_lines: 7, follow: false });
  });

  it('names the type that forced must have', async () => {
    const response = await app.send({ method: 'DELETE', path: '/notebooks/servers/abc?forced=maybe' });
    expect(response.error().fields).toEqual([{ path: 'query.forced', message: 'must be boolean' }]);
  });
});
