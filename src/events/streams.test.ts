import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventStream } from '../../tests/support/event-stream.ts';
import { type LogCluster, startLogCluster } from '../../tests/support/logs/log-cluster.ts';
import { anonymous, john, type TestService } from '../../tests/support/sessions/service.ts';
import type { NotebookResponse, ServersGetResponse } from '../generated/openapi.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServerStatus } from '../jupyter-server/types.ts';

const user = john('https://gitlab.example.org');
const stranger = anonymous('https://gitlab.example.org');
const soon = { timeout: 60_000 };
const namespace = 'renku';
const containers = { regular: ['jupyter-server'] };

let cluster: LogCluster;
let service: TestService;
const open: EventStream[] = [];
beforeEach(async () => {
  cluster = await startLogCluster();
  service = await cluster.replica();
});
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close();
  await cluster.close();
});

async function follow(path = '/servers', headers: Record<string, string> = {}, from = service): Promise<EventStream> {
  const stream = await EventStream.open(`${from.url}${path}`, { ...from.headersOf(user), ...headers });
  open.push(stream);
  return stream.read();
}

/** Creates a session of `user`, and waits until the service has it with its steps. */
async function launched(...names: string[]): Promise<void> {
  for (const name of names) cluster.session(name, user, containers);
  const as = service.as(user);
  for (const name of names) {
    const steps = async () => (await as('GET', `/servers/${name}`)).body.status?.details.map(({ status }) => status);
    await expect.poll(steps, soon).toEqual(['executing']);
  }
}

/** Writes the status of a session, as the operator does. */
function report(name: string, status: JupyterServerStatus & Record<string, unknown>): void {
  cluster.store.mergePatch(jupyterServers, namespace, name, { status } as never);
}

/** Returns the events in short form: the names in a snapshot, the states of sessions, the names of deleted ones. */
const shortly = ({ events }: EventStream): string[] =>
  events.map(({ event, data }) => {
    if (event === 'snapshot') return `snapshot ${Object.keys((data as ServersGetResponse).servers ?? {}).join(' ')}`;
    if (event === 'deleted') return `deleted ${(data as { name: string }).name}`;
    if (event === 'end') return `end ${(data as { reason: string }).reason}`;
    const { name, status } = data as NotebookResponse;
    return `${name} ${status.state}`;
  });

describe('the stream of all sessions', () => {
  it('begins with a snapshot, then has each change of the own sessions and of no others', async () => {
    await launched('mine');
    cluster.session('theirs', stranger, containers);
    const stream = await follow();
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot mine']);
    cluster.session('second', user, containers, false);
    report('theirs', { state: 'running' });
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot mine', 'second starting']);
    report('mine', { state: 'running' });
    await expect.poll(() => shortly(stream).at(-1), soon).toBe('mine running');
    cluster.remove('second');
    await expect
      .poll(() => shortly(stream), soon)
      .toEqual(['snapshot mine', 'second starting', 'mine running', 'deleted second']);
    expect(JSON.stringify(stream.events)).not.toContain('theirs');
    expect(stream.message.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  });

  it('has the same sessions as the list, also with filters', async () => {
    await launched('a', 'b');
    for (const name of ['a', 'b']) {
      const annotations = { 'renku.io/branch': name };
      cluster.store.mergePatch(jupyterServers, namespace, name, { metadata: { annotations } } as never);
    }
    const as = service.as(user);
    await expect
      .poll(async () => Object.keys((await as('GET', '/servers?branch=a')).body.servers), soon)
      .toEqual(['a']);
    const stream = await follow('/servers?branch=a&watch=true');
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot a']);
    expect(stream.events[0]?.data).toEqual((await as('GET', '/servers?branch=a')).body);
    report('b', { state: 'running' });
    report('a', { state: 'running' });
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot a', 'a running']);
    expect(stream.events[1]?.data).toEqual((await as('GET', '/servers/a')).body);
  });

  it('does not send a change of the object that the response does not show', async () => {
    await launched('mine');
    const stream = await follow();
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot mine']);
    cluster.store.mergePatch(jupyterServers, namespace, 'mine', { metadata: { labels: { other: 'x' } } } as never);
    report('mine', { state: 'running' });
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot mine', 'mine running']);
  });

  it('requires an Accept header that selects it, and watch=true requires the stream', async () => {
    const status = async (accept: string, path = '/servers') => {
      const stream = await EventStream.open(`${service.url}${path}`, { ...service.headersOf(user), accept });
      open.push(stream);
      const { statusCode, headers } = stream.message;
      return `${statusCode} ${headers['content-type']?.split(';')[0]}`;
    };
    expect(await status('*/*')).toBe('200 application/json');
    expect(await status('application/json, text/event-stream;q=0.5')).toBe('200 application/json');
    expect(await status('text/event-stream')).toBe('200 text/event-stream');
    expect(await status('text/event-stream, application/json;q=0.5')).toBe('200 text/event-stream');
    for (const accept of ['*/*', 'application/json'])
      expect(await status(accept, '/servers?watch=true')).toBe('406 application/json');
    expect((await service.as(user)('GET', '/servers?watch=true')).body.error).toMatchObject({
      code: 1406,
      detail: expect.stringContaining('Accept: text/event-stream'),
      fields: [{ path: 'header.Accept', message: 'must allow text/event-stream' }],
    });
    expect(await status('text/html')).toBe('406 application/json');
  });

  it('can be opened before the cache has all sessions', async () => {
    await launched('mine');
    const replica = await cluster.replica({ withoutCache: true });
    const stream = await follow('/servers', {}, replica);
    await expect.poll(() => shortly(stream), soon).toEqual(['snapshot mine']);
  });
});

describe('the stream of one session', () => {
  it('has its state, its steps and the reason of its failure, until it is deleted', async () => {
    await launched('mine', 'second');
    const stream = await follow('/servers/mine/events');
    await expect.poll(() => shortly(stream), soon).toEqual(['mine starting']);
    report('mine', { containerStates: { init: {}, regular: { 'jupyter-server': 'waiting' } } });
    await expect.poll(() => stream.events.length, soon).toBe(2);
    // Changes of other sessions are no events of this stream.
    const failed = { state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x:1"' } } };
    report('second', { state: 'running' });
    report('mine', {
      state: 'failed',
      containerStates: { init: {}, regular: { 'jupyter-server': 'failed' } },
      mainPod: {
        name: 'mine-0',
        status: { containerStatuses: [{ name: 'jupyter-server', restartCount: 0, ...failed }] },
      },
    } as never);
    await expect.poll(() => shortly(stream), soon).toEqual(['mine starting', 'mine starting', 'mine failed']);
    const [first, waiting, last] = stream.named<NotebookResponse>('session');
    expect(first?.status.details.map(({ status }) => status)).toEqual(['executing']);
    expect(waiting?.status.details.map(({ status }) => status)).toEqual(['waiting']);
    expect(last?.status.message).toContain('image');
    expect(last).toEqual((await service.as(user)('GET', '/servers/mine')).body);
    cluster.remove('mine');
    await expect.poll(() => shortly(stream).at(-1), soon).toBe('end deleted');
    await expect.poll(() => stream.isOver, soon).toBe(true);
  });

  it('ends if the session is replaced by another with its name', async () => {
    await launched('mine');
    const stream = await follow('/servers/mine/events');
    await expect.poll(() => shortly(stream), soon).toEqual(['mine starting']);
    cluster.remove('mine');
    cluster.session('mine', user, containers);
    await expect.poll(() => shortly(stream).at(-1), soon).toBe('end deleted');
  });

  it('is a 404 for sessions of others, and a 406 without the right Accept header', async () => {
    cluster.session('theirs', stranger, containers);
    await launched('mine');
    expect((await follow('/servers/theirs/events')).message.statusCode).toBe(404);
    expect((await follow('/servers/mine/events', { accept: 'application/json' })).message.statusCode).toBe(406);
    expect((await follow('/servers/mine/events', { accept: '*/*' })).message.statusCode).toBe(200);
  });
});

describe('a stream that is resumed', () => {
  it('has only what changed meanwhile, on any replica', async () => {
    await launched('a', 'b');
    const first = await follow();
    await expect.poll(() => shortly(first), soon).toEqual(['snapshot a b']);
    report('a', { state: 'running' });
    await expect.poll(() => shortly(first), soon).toEqual(['snapshot a b', 'a running']);
    first.close();
    report('b', { state: 'failed' });
    cluster.session('c', user, containers, false);
    const replica = await cluster.replica();
    for (const from of [service, replica]) {
      const shown = async () => {
        const servers: Record<string, NotebookResponse> = (await from.as(user)('GET', '/servers')).body.servers;
        return Object.values(servers).map(({ name, status }) => `${name} ${status.state}`);
      };
      await expect.poll(shown, soon).toEqual(['a running', 'b failed', 'c starting']);
      const current = await follow('/servers', { 'last-event-id': first.lastId }, from);
      await expect.poll(() => shortly(current), soon).toEqual(['b failed', 'c starting']);
      const older = await follow('/servers', { 'last-event-id': first.events[0]?.id ?? '' }, from);
      await expect.poll(() => shortly(older), soon).toEqual(['a running', 'b failed', 'c starting']);
      const newest = await follow('/servers', { 'last-event-id': current.lastId }, from);
      cluster.session(`new-${from === service}`, user, containers, false);
      await expect.poll(() => shortly(newest), soon).toEqual([`new-${from === service} starting`]);
      cluster.remove(`new-${from === service}`);
      await expect.poll(() => shortly(newest), soon).toHaveLength(2);
    }
  });

  it('begins with a snapshot if a session was deleted meanwhile, or the id is unknown', async () => {
    await launched('a', 'b');
    const first = await follow();
    await expect.poll(() => shortly(first), soon).toEqual(['snapshot a b']);
    first.close();
    cluster.remove('a');
    const as = service.as(user);
    await expect.poll(async () => Object.keys((await as('GET', '/servers')).body.servers), soon).toEqual(['b']);
    const ids = [first.lastId, '7', '1:-', '1:x', '1:aaaaaaa.7.bbbbbbbb', 'git-clone:01795168801.120000000.0'];
    for (const id of ids) {
      const stream = await follow('/servers', { 'last-event-id': id });
      await expect.poll(() => shortly(stream), soon).toEqual(['snapshot b']);
    }
  });

  it('of one session has its state only if it has changed', async () => {
    await launched('mine');
    const first = await follow('/servers/mine/events');
    await expect.poll(() => shortly(first), soon).toEqual(['mine starting']);
    first.close();
    const same = await follow('/servers/mine/events', { 'last-event-id': first.lastId });
    report('mine', { state: 'running' });
    await expect.poll(() => shortly(same), soon).toEqual(['mine running']);
    const changed = await follow('/servers/mine/events', { 'last-event-id': first.lastId });
    await expect.poll(() => shortly(changed), soon).toEqual(['mine running']);
  });
});

describe('a stream', () => {
  it('that is read slowly has the newest state of each session, and skips older ones', async () => {
    await launched('mine');
    const stream = await EventStream.open(`${service.url}/servers`, service.headersOf(user));
    open.push(stream);
    stream.message.socket.pause();
    const changes = 400;
    for (let n = 1; n <= changes; n += 1) {
      // Each state has 16 KB, so that all of them do not fit into the buffers of the sockets.
      const annotations = { 'renku.io/repository': `${n}-${'x'.repeat(16_384)}` };
      cluster.store.mergePatch(jupyterServers, namespace, 'mine', { metadata: { annotations } } as never);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const newest = `${changes}-`;
    const shown = async () => (await service.as(user)('GET', '/servers/mine')).body.annotations['renku.io/repository'];
    await expect.poll(async () => String(await shown()).startsWith(newest), soon).toBe(true);
    stream.read();
    const last = () => stream.named<NotebookResponse>('session').at(-1)?.annotations['renku.io/repository'] ?? '';
    await expect.poll(() => last().startsWith(newest), soon).toBe(true);
    expect(stream.events.length).toBeLessThan(changes);
  });

  it('ends when the sign-in expires, and says so, as does a followed log', async () => {
    await launched('mine');
    const headers = service.headersOf(user, Date.now() + 500);
    for (const path of ['/servers', '/servers/mine/events', '/logs/mine?follow=true']) {
      const stream = await follow(path, headers);
      await expect.poll(() => stream.ending, soon).toBe('expired');
      expect(stream.named<{ message: string }>('end')[0]?.message).toContain('sign in again');
      await expect.poll(() => stream.isOver, soon).toBe(true);
    }
  });

  it('ends when the service stops, and tells its client to reconnect soon', async () => {
    await launched('mine');
    const streams = [await follow(), await follow('/servers/mine/events')];
    for (const stream of streams) await expect.poll(() => stream.events.length, soon).toBe(1);
    service.stop();
    for (const stream of streams)
      await expect.poll(() => [stream.ending, stream.isOver], soon).toEqual(['shutdown', true]);
    // Clients reconnect earlier than after a broken connection, and not all at the same time.
    for (const stream of streams) expect(stream.retry).toBeLessThanOrEqual(3_000);
  });

  it('of one user are limited, and of all users, and a closed stream frees a place', async () => {
    service = await cluster.replica({ events: { maxStreams: { perUser: 2, total: 3 } } });
    const [first] = [await follow(), await follow()];
    const rejected = await service.as(user)('GET', '/servers', undefined);
    expect(rejected.status).toBe(200);
    const third = await follow();
    expect(third.message.statusCode).toBe(429);
    expect(third.message.headers['retry-after']).toBe('5');
    const other = await EventStream.open(`${service.url}/servers`, service.headersOf(stranger));
    open.push(other);
    expect(other.message.statusCode).toBe(200);
    const another = anonymous('https://gitlab.example.org', 'anon-another');
    const fourth = await EventStream.open(`${service.url}/servers`, service.headersOf(another));
    open.push(fourth);
    expect(fourth.message.statusCode).toBe(429);
    first?.close();
    await expect.poll(async () => (await follow()).message.statusCode, soon).toBe(200);
  });

  it('has comments while nothing happens, and says when to connect again', async () => {
    service = await cluster.replica({ events: { timing: { heartbeatMs: 20 } } });
    const stream = await follow();
    await expect.poll(() => stream.comments, soon).toBeGreaterThan(2);
    expect(shortly(stream)).toEqual(['snapshot ']);
    expect(stream.retry).toBeGreaterThan(0);
  });
});
