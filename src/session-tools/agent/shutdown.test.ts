import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { ServedForge } from '../../../tests/support/local/forge/served-forge.ts';
import { makeSessionTree, type SessionTree } from '../../../tests/support/session-agent/agent-process.ts';
import { serveAgents } from '../../../tests/support/session-agent/serve-agents.ts';

/** The end of the agent, which tells the git proxy that it may end, too. */

let served: ServedForge;
let token: string;

const start = serveAgents((forge, issued) => {
  served = forge;
  token = issued;
});

const lastOperation = ({ volume }: SessionTree) =>
  JSON.parse(readFileSync(join(volume, '.notebook-sessions', 'operations.json'), 'utf8')).operations[0];

it.each<[string, (tree: string) => void, object]>([
  [
    'was saved',
    (tree) => writeFileSync(join(tree, 'a.txt'), 'edited\n'),
    { state: 'succeeded', result: { location: 'remote' } },
  ],
  [
    'could not be saved, whose reason stays',
    (tree) => rmSync(join(tree, '.git'), { recursive: true }),
    { state: 'failed', error: { reason: 'no-repository' } },
  ],
])('the git proxy learns that the work %s, also if it responds late', async (what, change, expected) => {
  const session = await makeSessionTree(served, token, `shutdown-${what.length}`);
  const requests: string[] = [];
  const proxy = createServer((req, res) => {
    requests.push(`${req.method} ${req.url}`);
    // That of renku-notebooks until it has got SIGTERM.
    res.writeHead(requests.length < 3 ? 409 : 200).end();
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const port = String((proxy.address() as AddressInfo).port);
  const agent = await start(session, {
    GIT_RPC_GIT_PROXY_HEALTH_PORT: port,
  });
  change(session.tree);
  expect(await agent.stop()).toBe(0);
  proxy.close();
  expect(requests).toEqual(Array.from({ length: 3 }, () => 'GET /shutdown'));
  expect(lastOperation(session)).toMatchObject(expected);
});

it('an agent whose session ends without a save saves neither before SIGTERM nor after', async () => {
  const session = await makeSessionTree(served, token, 'shutdown-discarded');
  const agent = await start(session);
  writeFileSync(join(session.tree, 'a.txt'), 'edited\n');
  const held = new Set<ServerResponse>();
  served.intercept = (_request, response) => held.add(response) !== undefined;
  const running = agent.save({ id: 'running' });
  const discard = () => agent.api('discard', 'POST', '/v1/discard');
  expect(await agent.api('save', 'POST', '/v1/discard')).toMatchObject({ status: 403 });
  expect((await discard()).status).toBe(204);
  expect(await running).toMatchObject({ state: 'cancelled' });
  served.intercept = () => false;
  for (const response of held) response.destroy();
  expect(await agent.save({ reason: 'pre-stop', isFinal: true })).toMatchObject({
    ...{ state: 'cancelled', error: { reason: 'cancelled', message: 'The owner ends the session without a save.' } },
  });
  // Another save is another decision.
  expect(await agent.save()).toMatchObject({ state: 'succeeded', result: { location: 'remote' } });
  writeFileSync(join(session.tree, 'a.txt'), 'edited again\n');
  expect((await discard()).status).toBe(204);
  expect(await agent.stop()).toBe(0);
  expect(lastOperation(session)).toMatchObject({ state: 'cancelled' });
});

it('an agent whose session is not deleted after all saves at its end, and pushes the save on the volume', async () => {
  const session = await makeSessionTree(served, token, 'shutdown-kept');
  writeFileSync(join(session.tree, 'a.txt'), 'edited\n');
  served.intercept = (_request, response) => response.writeHead(503).end() !== undefined;
  const former = await start(session);
  expect(await former.save()).toMatchObject({ result: { location: 'volume' } });
  await former.stop('SIGKILL');
  const agent = await start(session);
  expect((await agent.api('discard', 'POST', '/v1/discard')).status).toBe(204);
  served.intercept = () => false;
  expect((await agent.api('discard', 'DELETE', '/v1/discard')).status).toBe(204);
  const isPushed = async () => (await agent.work()).savedAs?.location;
  await vi.waitFor(async () => expect(await isPushed()).toBe('remote'), { timeout: 60_000 });
  writeFileSync(join(session.tree, 'a.txt'), 'edited again\n');
  expect(await agent.stop()).toBe(0);
  expect(lastOperation(session)).toMatchObject({ state: 'succeeded', result: { location: 'remote' } });
});

it('a git proxy that has ended already does not change the result of the last save', async () => {
  const session = await makeSessionTree(served, token, 'shutdown-gone');
  const agent = await start(session, {
    GIT_RPC_GIT_PROXY_HEALTH_PORT: '1',
  });
  writeFileSync(join(session.tree, 'a.txt'), 'edited\n');
  expect(await agent.stop()).toBe(0);
  expect(lastOperation(session)).toMatchObject({
    state: 'succeeded',
    result: { location: 'remote' },
    error: null,
  });
});
