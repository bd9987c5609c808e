import { describe, expect, it } from 'vitest';
import { following, soon, user } from '../../tests/support/logs/following.ts';
import { waitingToStart } from '../../tests/support/logs/log-cluster.ts';
import { anonymous } from '../../tests/support/sessions/service.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import { StatusError } from '../local/cluster.ts';

const at = following();

describe('a log stream', () => {
  it('starts with the existing lines, oldest first, and continues with new lines', async () => {
    at.running();
    const stream = await at.follow();
    expect(stream.message.statusCode).toBe(200);
    expect(stream.message.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': expect.stringMatching(/no-cache.*no-transform/),
      'x-accel-buffering': 'no',
    });
    await expect.poll(() => stream.lines(), soon).toEqual(['cloned', 'starting', 'listening']);
    at.cluster.log('jupyter-server').write('a request', '2026-01-01T00:01:00+01:00');
    at.cluster.log('jupyter-server').write(' \tspaces  \r', '2026-01-01T00:01:01Z');
    at.cluster.log('jupyter-server').write('', '2026-01-01T00:01:02Z');
    await expect.poll(() => stream.lines().slice(3), soon).toEqual(['a request', ' \tspaces  ', '']);
    expect(stream.events.map(({ data }) => data).at(3)).toEqual({
      container: 'jupyter-server',
      time: '2026-01-01T00:01:00+01:00',
      line: 'a request',
    });
    expect(stream.retry).toBeGreaterThan(0);
    expect(stream.isOver).toBe(false);
  });

  it('starts at the place that max_lines and since name, for each container', async () => {
    at.running();
    const none = await at.follow('&max_lines=0');
    const one = await at.follow('&max_lines=1');
    const since = await at.follow('&since=2026-01-01T00:00:02Z');
    const zone = await at.follow('&since=2026-01-01T01:00:02%2B01:00&max_lines=1');
    const seconds = await at.follow('&since=60');
    const only = await at.follow('&container=git-clone');
    await expect.poll(() => one.lines(), soon).toEqual(['cloned', 'listening']);
    await expect.poll(() => since.lines(), soon).toEqual(['starting', 'listening']);
    await expect.poll(() => zone.lines(), soon).toEqual(['listening']);
    await expect.poll(() => only.lines(), soon).toEqual(['cloned']);
    at.cluster.log('jupyter-server').write('new');
    await expect.poll(() => [none.lines(), seconds.lines()], soon).toEqual([['new'], ['new']]);
    expect(only.lines()).toEqual(['cloned']);
  });

  it('has comments while no line is written', async () => {
    at.running();
    at.service = await at.cluster.replica({ logs: { timing: { heartbeatMs: 20 } } });
    const stream = await at.follow();
    await expect.poll(() => stream.comments, soon).toBeGreaterThan(3);
    expect(stream.lines()).toHaveLength(3);
  });

  it('includes containers that start later and containers that restart', async () => {
    at.cluster.log('git-clone').failure = waitingToStart();
    at.cluster.log('jupyter-server').failure = waitingToStart();
    at.cluster.session('mine', user, { init: ['git-clone'], regular: ['jupyter-server'] }, false);
    const stream = await at.follow('&max_lines=0');
    const early = await at.follow('&container=jupyter-server');
    at.cluster.store.mergePatch(jupyterServers, 'renku', 'mine', {
      status: { containerStates: { init: { 'git-clone': 'executing' }, regular: { 'jupyter-server': 'waiting' } } },
    });
    at.cluster.log('git-clone').failure = null;
    at.cluster.log('git-clone').write('cloning');
    await expect.poll(() => stream.lines(), soon).toEqual(['cloning']);
    at.cluster.log('git-clone').end();
    at.cluster.log('jupyter-server').failure = null;
    at.cluster.log('jupyter-server').write('first run');
    at.cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'running' });
    await expect.poll(() => stream.lines(), soon).toEqual(['cloning', 'first run']);
    at.cluster.log('jupyter-server').restart();
    at.cluster.log('jupyter-server').write('second run');
    at.cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'running' }, { 'jupyter-server': 1 });
    await expect.poll(() => stream.lines(), soon).toEqual(['cloning', 'first run', 'second run']);
    await expect.poll(() => early.lines(), soon).toEqual(['first run', 'second run']);
    expect(stream.named('container-error')).toEqual([]);
  });

  it('does not read the log of an ended container again until it restarts', async () => {
    at.running();
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    expect(at.cluster.log('git-clone').reads).toHaveLength(1);
    at.cluster.log('jupyter-server').end();
    at.cluster.report('mine', { 'git-clone': 'ended', 'jupyter-server': 'ended' });
    // Once more when it ended, and once more when that was reported.
    await expect.poll(() => at.cluster.log('jupyter-server').following, soon).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(at.cluster.log('jupyter-server').reads.length).toBeLessThan(6);
    expect(at.cluster.log('git-clone').reads).toHaveLength(1);
    at.cluster.log('git-clone').restart();
    at.cluster.log('git-clone').write('cloned again');
    expect(stream.lines()).toHaveLength(3);
    at.cluster.report('mine', { 'git-clone': 'running', 'jupyter-server': 'waiting' }, { 'git-clone': 1 });
    await expect.poll(() => stream.lines().at(-1), soon).toBe('cloned again');
  });

  it('with previous=true has the lines before the restart, and then ends', async () => {
    at.running();
    at.cluster.log('jupyter-server').restart();
    at.cluster.log('jupyter-server').write('second run');
    const stream = await at.follow('&previous=true');
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.lines()).toEqual(['starting', 'listening']);
    expect(stream.ending).toBe('complete');
    expect(stream.named('container-error')).toEqual([]);
    expect((await at.follow('&previous=true&max_lines=1')).lines()).toEqual([]);
    const { body } = await at.service.as(user)('GET', '/logs/mine?previous=true&max_lines=1');
    expect(body).toEqual({ 'jupyter-server': '2026-01-01T00:00:02.000000001Z listening\n' });
  });

  it('answers HEAD at once', async () => {
    at.running();
    const response = await fetch(`${at.service.url}/logs/mine?follow=true`, {
      method: 'HEAD',
      headers: at.service.headersOf(user),
    });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(at.cluster.log('jupyter-server').reads).toEqual([]);
  });
});

describe('log requests', () => {
  it.each([
    ['follow=true&container=nope', 'query.container'],
    ['container=nope', 'query.container'],
    ['follow=true&container=A%20B', 'query.container'],
    ['follow=true&since=yesterday', 'query.since'],
    ['since=2026-13-45T00:00:00Z', 'query.since'],
    ['follow=perhaps', 'query.follow'],
    ['follow=true&max_lines=-1', 'query.max_lines'],
  ])('with %s are rejected with 422', async (query, path) => {
    at.running();
    const { status, body } = await at.service.as(user)('GET', `/logs/mine?${query}`);
    expect([status, body.error.code, body.error.fields?.[0]?.path]).toEqual([422, 1422, path]);
    if (query.includes('container=nope')) expect(body.error.detail).toContain('git-clone, jupyter-server');
  });

  it('that accept only another content type are rejected with 406', async () => {
    at.running();
    const statusOf = async (query: string, accept: string) =>
      (await fetch(`${at.service.url}/logs/mine?${query}`, { headers: { ...at.service.headersOf(user), accept } }))
        .status;
    expect(await statusOf('follow=true', 'application/json')).toBe(406);
    expect(await statusOf('', 'text/event-stream')).toBe(406);
    expect(await statusOf('', 'application/json')).toBe(200);
  });

  it('for a session of another user are rejected with 404', async () => {
    at.running();
    const other = at.service.as(anonymous('https://gitlab.example.org'));
    expect((await other('GET', '/logs/mine?follow=true')).status).toBe(404);
    expect((await at.service.as(user)('GET', '/logs/other?follow=true')).status).toBe(404);
    expect(at.cluster.log('jupyter-server').reads).toEqual([]);
  });

  it('without follow also accept container and since', async () => {
    at.running();
    const { body } = await at.service.as(user)('GET', '/logs/mine?container=jupyter-server&since=2026-01-01T00:00:02Z');
    expect(Object.keys(body)).toEqual(['jupyter-server']);
    expect((await at.service.as(user)('GET', '/logs/mine?since=2026-01-01T00:00:01.6Z')).body).toEqual(body);
    expect((await at.service.as(user)('GET', '/logs/mine?since=60')).body).toEqual({});
  });
});

describe('a container that cannot be read', () => {
  it('is reported by an event, does not hide other logs, and is read as soon as possible', async () => {
    at.running();
    at.cluster.log('jupyter-server').failure = new StatusError(500, 'InternalError', 'a secret of the cluster');
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toEqual(['cloned']);
    await expect.poll(() => stream.named('container-error'), soon).toHaveLength(1);
    expect(stream.named('container-error')).toEqual([
      { container: 'jupyter-server', message: expect.stringContaining('tries again') },
    ]);
    const late = await at.follow();
    await expect.poll(() => late.named('container-error'), soon).toHaveLength(1);
    at.cluster.log('jupyter-server').failure = null;
    await expect.poll(() => stream.lines(), soon).toEqual(['cloned', 'starting', 'listening']);
    expect(JSON.stringify(stream.events)).not.toContain('secret');
    expect(at.service.logged()).toContain('a log could not be followed');
  });

  it('because the API server does not respond does not delay the others', async () => {
    at.running();
    at.service = await at.cluster.replica({ logs: { timing: { maxSilenceMs: 200 } } });
    at.cluster.log('git-clone').isSilent = true;
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toEqual(['starting', 'listening']);
    await expect.poll(() => stream.named('container-error'), soon).toHaveLength(1);
  });

  it('shows the message of the cluster about its log, without a time', async () => {
    at.cluster.session('mine', user, { regular: ['jupyter-server'] });
    at.cluster.report('mine', { 'jupyter-server': 'running' });
    at.cluster.log('jupyter-server').writeRaw('unable to retrieve container logs');
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toEqual(['unable to retrieve container logs']);
    expect(stream.events[0]?.data).toMatchObject({ time: null });
  });
});

describe('the end of a stream', () => {
  it('follows the last lines of a deleted session', async () => {
    at.running();
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    at.cluster.log('jupyter-server').write('good bye');
    await expect.poll(() => stream.lines(), soon).toHaveLength(4);
    at.cluster.remove('mine');
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.ending).toBe('deleted');
    expect(stream.events.at(-1)?.event).toBe('end');
    expect(at.cluster.log('jupyter-server').following).toBe(0);
  });

  it.each([
    ['with watch events', {}],
    ['without watch events', { withoutCache: true }],
  ])('comes when another session has the same name, whose lines are never shown (%s)', async (_how, options) => {
    at.service = await at.cluster.replica(options);
    at.running();
    const mine = await at.follow();
    await expect.poll(() => mine.lines(), soon).toHaveLength(3);
    at.cluster.remove('mine');
    const other = anonymous('https://gitlab.example.org');
    at.cluster.log('jupyter-server').restart();
    at.cluster.session('mine', other, { init: ['git-clone'], regular: ['jupyter-server'] });
    at.cluster.log('jupyter-server').write('a secret of another user');
    await expect.poll(() => mine.isOver, soon).toBe(true);
    expect(mine.ending).toBe('deleted');
    expect(mine.lines()).not.toContain('a secret of another user');
    expect((await at.service.as(user)('GET', '/logs/mine?follow=true')).status).toBe(404);
  });

  it('comes when another user becomes the owner of the session', async () => {
    at.running();
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    at.cluster.store.mergePatch(jupyterServers, 'renku', 'mine', {
      metadata: { labels: { 'notebook-sessions.io/owner': 'another-user' } },
    });
    await expect.poll(() => stream.ending, soon).toBe('deleted');
  });

  it('comes when the service stops', async () => {
    at.running();
    const stream = await at.follow();
    await expect.poll(() => stream.lines(), soon).toHaveLength(3);
    at.service.stop();
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.ending).toBe('shutdown');
    const late = await at.follow();
    await expect.poll(() => late.ending, soon).toBe('shutdown');
    expect(at.cluster.log('jupyter-server').following).toBe(0);
  });

  it('leaves out the rest of the lines before the restart when the service stops and the client does not read', async () => {
    at.running();
    const log = at.cluster.log('jupyter-server');
    const lines = 5_000;
    log.write(Array.from({ length: lines }, (_, number) => `${number} ${'x'.repeat(10_000)}`));
    log.restart();
    const stream = await at.stall(`&previous=true&max_lines=${lines}`);
    at.service.stop();
    stream.message.socket.resume();
    stream.read();
    await expect.poll(() => stream.isOver, soon).toBe(true);
    expect(stream.ending).toBe('shutdown');
    expect(stream.lines().length).toBeLessThan(lines);
  });
});
