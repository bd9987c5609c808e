import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configMap, js } from '../../../../tests/support/local/api-server/objects.ts';
import {
  described,
  JUPYTER_SERVERS,
  jsonLines,
  startTestServer,
  type TestServer,
} from '../../../../tests/support/local/api-server/test-server.ts';
import { jupyterServers } from '../../../jupyter-server/resource.ts';
import { resource } from '../../../platform/kubernetes/resources.ts';
import { at } from '../json.ts';

const { configMaps } = resource;
const path = `${JUPYTER_SERVERS}?watch=1`;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer({ cluster: { history: { changes: 100, characters: 50_000_000 } } });
});
afterEach(() => server[Symbol.asyncDispose]());

const create = (name: string, metadata: object = {}) =>
  server.cluster.create(jupyterServers, 'default', js(name, {}, metadata));
const change = (name: string, patch: object) => server.cluster.mergePatch(jupyterServers, 'default', name, patch);
const version = () => String(server.cluster.objects.version);

/** Reads events one by one, and closes the connection at the end of the test. */
class Reader implements Disposable {
  readonly message: IncomingMessage;
  readonly #lines: AsyncGenerator<unknown>;

  constructor(message: IncomingMessage) {
    this.message = message;
    this.#lines = jsonLines(message);
  }

  /** Returns the next event; undefined after the end of the stream. */
  async next(): Promise<unknown> {
    return (await this.#lines.next()).value;
  }

  async take(count: number): Promise<string[]> {
    const found: string[] = [];
    while (found.length < count) found.push(described(await this.next()));
    return found;
  }

  [Symbol.dispose](): void {
    this.message.on('error', () => undefined);
    this.message.destroy();
  }
}

const open = async (url: string, headers?: Record<string, string>) => new Reader(await server.open(url, headers));

describe('a watch', () => {
  it('without a version sends the existing objects, then changes', async () => {
    create('b');
    create('a');
    using watch = await open(path);
    expect(await watch.take(2)).toEqual(['ADDED a', 'ADDED b']);
    change('a', { status: { state: 'running' } });
    server.cluster.delete(jupyterServers, 'default', 'b');
    expect(await watch.take(2)).toEqual(['MODIFIED a', 'DELETED b']);
  });

  it('with a version sends each later change once', async () => {
    create('old');
    const from = version();
    create('missed');
    server.cluster.create(configMaps, 'default', configMap('of-another-kind'));
    using watch = await open(`${path}&resourceVersion=${from}`);
    create('live');
    expect(await watch.take(2)).toEqual(['ADDED missed', 'ADDED live']);
  });

  it('at a compacted version sends an ERROR event with a 410 and ends', async () => {
    create('a');
    const from = version();
    create('b');
    server.cluster.objects.compact();
    using watch = await open(`${path}&resourceVersion=${from}`);
    expect(await watch.next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', code: 410, reason: 'Expired', status: 'Failure' },
    });
    expect(await watch.next()).toBeUndefined();
  });
});

describe('the events of a watch', () => {
  it('are ADDED and DELETED for an object that begins and stops to match', async () => {
    create('a');
    using watch = await open(`${path}&labelSelector=wanted%3Dyes`);
    change('a', { metadata: { labels: { wanted: 'yes' } } });
    change('a', { status: { state: 'running' } });
    change('a', { metadata: { labels: { wanted: 'no' } } });
    const last = version();
    change('a', { status: { state: 'failed' } });
    expect(await watch.take(2)).toEqual(['ADDED a', 'MODIFIED a']);
    const deleted = await watch.next();
    expect(described(deleted)).toBe('DELETED a');
    expect(at(deleted, 'object', 'metadata', 'resourceVersion')).toBe(last);
    expect(at(deleted, 'object', 'metadata', 'labels')).toEqual({ wanted: 'yes' });
  });

  it('can be limited to one name', async () => {
    create('a');
    create('b');
    using watch = await open(`${path}&fieldSelector=metadata.name%3Db`);
    change('a', { status: { state: 'running' } });
    change('b', { status: { state: 'running' } });
    expect(await watch.take(2)).toEqual(['ADDED b', 'MODIFIED b']);
  });

  it('are of one namespace or of all namespaces', async () => {
    server.cluster.create(resource.namespaces, '', { metadata: { name: 'other' } });
    using here = await open(path);
    using everywhere = await open('/apis/amalthea.dev/v1alpha1/jupyterservers?watch=1');
    server.cluster.create(jupyterServers, 'other', js('far'));
    create('near');
    expect(await here.take(1)).toEqual(['ADDED near']);
    expect(await everywhere.take(2)).toEqual(['ADDED far', 'ADDED near']);
  });

  it('can be tables, with the column definitions once', async () => {
    create('a');
    using watch = await open(path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    change('a', { status: { mainPod: { status: { phase: 'Running' } } } });
    const [first, second] = [await watch.next(), await watch.next()];
    expect(at(first, 'object', 'columnDefinitions')).toHaveLength(5);
    expect(at(second, 'object', 'columnDefinitions')).toHaveLength(0);
    expect(at(second, 'object', 'rows')).toMatchObject([{ cells: ['a', expect.anything(), null, 'Running', '0s'] }]);
  });
});

describe('the end of a watch', () => {
  it('comes after timeoutSeconds, with a bookmark of the newest version on request', async () => {
    using watch = await open(`${path}&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${version()}`);
    server.cluster.create(configMaps, 'default', configMap('of-another-kind'));
    expect(await watch.next()).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: version() } },
    });
    expect(await watch.next()).toBeUndefined();
    expect(watch.message.complete).toBe(true);
  });

  it('comes when the server closes', async () => {
    using watch = await open(path);
    create('a');
    expect(await watch.take(1)).toEqual(['ADDED a']);
    await server.api.close();
    expect(await watch.next()).toBeUndefined();
  });

  it('comes when the client closes the connection, and removes the subscription', async () => {
    const before = server.cluster.objects.subscribers;
    const watch = await open(path);
    expect(server.cluster.objects.subscribers).toBe(before + 1);
    watch[Symbol.dispose]();
    await expect.poll(() => server.cluster.objects.subscribers).toBe(before);
  });

  it('comes for a client that reads too slowly for the history; other clients are not affected', async () => {
    using slow = await open(`${CONFIG_MAPS}?watch=1`);
    using fast = await open(`${CONFIG_MAPS}?watch=1`);
    slow.message.pause();
    const closed = new Promise((resolve) => slow.message.on('close', resolve));
    slow.message.on('error', () => undefined);
    // More data than the socket buffers hold, in more changes than the history keeps.
    for (let index = 0; index < 400; index += 1) {
      const configMap = { metadata: { name: `c${index}` }, data: { text: 'x'.repeat(200_000) } };
      server.cluster.create(configMaps, 'default', configMap);
      expect(await fast.take(1)).toEqual([`ADDED c${index}`]);
    }
    slow.message.resume();
    await closed;
    expect(slow.message.complete).toBe(false);
  });
});

it('a watch from a version before a restart gets a 410, because the history is not stored', async () => {
  create('a');
  const from = version();
  create('b');
  const { cluster } = server;
  // Simulates a restart: the objects and the version are kept, and the history is empty.
  cluster.objects.compact();
  using old = await open(`${path}&resourceVersion=${from}`);
  expect(await old.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  using present = await open(`${path}&resourceVersion=${version()}`);
  create('c');
  expect(await present.take(1)).toEqual(['ADDED c']);
});
