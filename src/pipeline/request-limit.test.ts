import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { streamBegins } from '../lib/server-sent-events.ts';
import { limitRequests, takeTurns } from './request-limit.ts';

/** Requests that reach the limit, without a network: whether they are in one iteration of the event loop must be certain. */
function limited(limit: number) {
  const begun: string[] = [];
  const handle = limitRequests({ registered: limit, anonymous: limit });
  return {
    begun,
    /** Returns the response of the request, and the error with which it ends. */
    request(user: string, destroyed = false) {
      const context = { identity: { kind: 'registered', id: user } };
      const res = Object.assign(new EventEmitter(), { locals: { context }, destroyed });
      const error = new Promise<unknown>((resolve) => {
        handle({} as Request, res as unknown as Response, (reason?: unknown) => {
          if (reason === undefined) begun.push(user);
          else resolve(reason);
        });
      });
      return { res, error };
    },
  };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('begins the requests of one caller in groups, and those of others between the groups', async () => {
  const { begun, request } = limited(100);
  for (let count = 0; count < 9; count++) request('many');
  request('other');
  expect(begun.join(' ')).toBe('many many many many other');
  await turn();
  request('another');
  expect(begun.slice(5).join(' ')).toBe('many many many many another');
  await turn();
  expect(begun.slice(10)).toEqual(['many']);
});

test('begins the requests with the same credentials in groups before anything is known about their caller', async () => {
  const begun: string[] = [];
  const handle = takeTurns();
  const request = (name: string, headers: Record<string, string>) => {
    const req = { headers, socket: { remoteAddress: '127.0.0.1' } } as unknown as Request;
    handle(req, Object.assign(new EventEmitter(), { destroyed: false }) as unknown as Response, () => begun.push(name));
  };
  for (let count = 0; count < 6; count++) request('many', { 'renku-auth-anon-id': 'anon-many' });
  request('other', { 'renku-auth-anon-id': 'anon-other' });
  request('registered', { 'renku-auth-access-token': 'token' });
  request('cookie', { cookie: 'a=b' });
  request('new', {});
  expect(begun.slice(4)).toEqual(['other', 'registered', 'cookie', 'new']);
  await turn();
  expect(begun.slice(8)).toEqual(['many', 'many']);
});

test('does not begin a request whose client has disconnected meanwhile', async () => {
  const { begun, request } = limited(100);
  for (let count = 0; count < 4; count++) request('many');
  request('many').res.destroyed = true;
  await turn();
  await turn();
  expect(begun).toHaveLength(4);
});

test('takes no permit for a request whose client disconnected during the identification', async () => {
  const { begun, request } = limited(1);
  request('a', true);
  request('a');
  expect(begun).toEqual(['a']);
});

test('rejects a request above the limit after a moment, and counts neither ended requests nor streams that have begun', async () => {
  const { begun, request } = limited(2);
  const [first, second] = [request('a'), request('a')];
  const { error } = request('a');
  expect(begun).toEqual(['a', 'a']);
  expect(await error).toMatchObject({ kind: { code: 1429 }, message: 'You have 2 requests in progress already.' });
  first?.res.emit('close');
  second?.res.emit(streamBegins);
  await turn();
  request('a');
  request('a');
  expect(begun).toHaveLength(4);
  second?.res.emit('close');
  await turn();
  expect(await request('a').error).toMatchObject({ kind: { code: 1429 } });
});
