import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pod } from '../../../../tests/support/local/api-server/objects.ts';
import { startTestServer, type TestServer } from '../../../../tests/support/local/api-server/test-server.ts';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { type NodeAgent, StatusError } from '../../cluster.ts';
import { at } from '../json.ts';

const path = '/api/v1/namespaces/default/pods/p/log';
const requests: unknown[] = [];
let logs: NodeAgent['logs'];
let server: TestServer;

beforeEach(async () => {
  requests.length = 0;
  logs = async function* () {
    yield 'one\n';
    yield 'zwei ü\n';
  };
  const node: NodeAgent = {
    logs(which, options, signal) {
      requests.push({ ...which, ...options });
      return logs(which, options, signal);
    },
    metrics: () => [],
  };
  server = await startTestServer({ node });
  server.cluster.create(resource.pods, 'default', pod('p'));
  const containers = [
    { name: 'jupyter-server', image: 'i' },
    { name: 'proxy', image: 'i' },
  ];
  const initContainers = [{ name: 'git-clone', image: 'i' }];
  server.cluster.create(resource.pods, 'default', pod('several', {}, { containers, initContainers }));
});
afterEach(() => server[Symbol.asyncDispose]());

it('is text, and that of the only container if the request does not name a container', async () => {
  const { status, headers, text } = await server.call('GET', path);
  expect([status, headers['content-type'], text]).toEqual([200, 'text/plain; charset=utf-8', 'one\nzwei ü\n']);
  expect(requests).toEqual([
    { namespace: 'default', name: 'p', container: 'main', follow: false, previous: false, timestamps: false },
  ]);
});

it('passes every option to the node', async () => {
  const query = 'container=git-clone&follow=true&previous=true&timestamps=true&tailLines=0&sinceSeconds=5&limitBytes=9';
  await server.call('GET', `${path.replace('/p/', '/several/')}?${query}`);
  expect(requests).toMatchObject([
    {
      container: 'git-clone',
      follow: true,
      previous: true,
      timestamps: true,
      tailLines: 0,
      sinceSeconds: 5,
      limitBytes: 9,
    },
  ]);
});

it('is cut at limitBytes', async () => {
  expect((await server.call('GET', `${path}?limitBytes=6`)).text).toBe('one\nzw');
});

it.each([
  [404, path.replace('/p/', '/nope/')],
  [400, path.replace('/p/', '/several/')],
  [400, `${path}?container=nope`],
  [400, `${path}?tailLines=x`],
  [422, `${path}?tailLines=-1`],
  [422, `${path}?limitBytes=0`],
  [400, `${path}?sinceTime=yesterday`],
  [422, `${path}?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z`],
])('is rejected with %i: %s', async (code, url) => {
  const { status, json } = await server.call('GET', url);
  expect([status, at(json, 'kind')]).toEqual([code, 'Status']);
  expect(requests).toEqual([]);
});

it('cannot be written', async () => {
  expect((await server.call('DELETE', path)).status).toBe(405);
  expect(server.cluster.get(resource.pods, 'default', 'p')?.metadata.deletionTimestamp).toBeUndefined();
});

describe('an error of the node', () => {
  it('before the first line is the response', async () => {
    // biome-ignore lint/correctness/useYield: a log that fails immediately
    logs = async function* () {
      throw new StatusError(400, 'BadRequest', 'container "main" in pod "p" is waiting to start');
    };
    const { status, json } = await server.call('GET', path);
    expect([status, at(json, 'message')]).toEqual([400, 'container "main" in pod "p" is waiting to start']);
  });

  it('after the first line closes the connection, so that the client knows that the log is incomplete', async () => {
    logs = async function* () {
      yield 'one\n';
      await new Promise((resolve) => setImmediate(resolve));
      throw new Error('the file was removed');
    };
    await expect(server.call('GET', path)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });
});

describe('a log that is followed', () => {
  let stopped = false;
  let emit: (line: string) => void = () => undefined;

  beforeEach(() => {
    stopped = false;
    logs = async function* (_pod, _options, signal) {
      try {
        while (!signal.aborted) {
          const line = await new Promise<string | undefined>((resolve) => {
            emit = resolve;
            signal.addEventListener('abort', () => resolve(undefined), { once: true });
          });
          if (line !== undefined) yield line;
        }
      } finally {
        stopped = true;
      }
    };
  });

  it('starts before the first line, sends each line immediately, and ends when the client closes the connection', async () => {
    const message = await server.open(`${path}?follow=true`);
    expect(message.statusCode).toBe(200);
    message.setEncoding('utf8');
    emit('first\n');
    expect(await new Promise((resolve) => message.once('data', resolve))).toBe('first\n');
    message.on('error', () => undefined);
    message.destroy();
    await expect.poll(() => stopped).toBe(true);
  });

  it('ends when the server closes', async () => {
    const message = await server.open(`${path}?follow=true`);
    message.on('error', () => undefined);
    const closed = new Promise((resolve) => message.on('close', resolve));
    message.resume();
    await server.api.close();
    await closed;
    expect(stopped).toBe(true);
  });

  it('is not read from the node while the client reads nothing', async () => {
    let produced = 0;
    logs = async function* (_pod, _options, signal) {
      while (!signal.aborted && produced < 100_000) {
        produced += 1;
        yield `${'x'.repeat(10_000)}\n`;
      }
    };
    const message = await server.open(path);
    message.pause();
    let before = -1;
    await expect
      .poll(
        () => {
          const settled = produced === before;
          before = produced;
          return settled;
        },
        { interval: 200 },
      )
      .toBe(true);
    expect(produced).toBeLessThan(20_000);
    message.on('error', () => undefined);
    message.destroy();
  });
});
