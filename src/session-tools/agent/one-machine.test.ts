import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ServedForge } from '../../../tests/support/local/forge/served-forge.ts';
import {
  type AgentProcess,
  makeSessionTree,
  type SessionTree,
} from '../../../tests/support/session-agent/agent-process.ts';
import { serveAgents } from '../../../tests/support/session-agent/serve-agents.ts';
import { agentVariable } from '../../session-contract/agent.ts';

/** The agent's program as the local platform starts it: other users of the machine can connect to Jupyter and to the agent. */

let served: ServedForge;
let token: string;
let session: SessionTree;
let agent: AgentProcess;
let file: string;

const start = serveAgents((forge, issued) => {
  served = forge;
  token = issued;
});
beforeAll(async () => {
  session = await makeSessionTree(served, token, 'machine');
  file = join(served.scratch, 'server.json');
  agent = await start(session, { [agentVariable.jupyterFile]: file });
});

const map = (token: string) =>
  fetch(`${agent.rpcUrl}jsonrpc/map`, { headers: { authorization: `token ${token}` } }).then(({ status }) => status);

describe('an agent with the address and the token of Jupyter in a file', () => {
  it('requires the present token of Jupyter for the JSON-RPC, also after it has changed', async () => {
    expect((await fetch(`${agent.rpcUrl}health/`)).status).toBe(200);
    expect(await map('one')).toBe(401);
    for (const token of ['one', 'two']) {
      writeFileSync(file, JSON.stringify({ url: 'http://127.0.0.1:1/sessions/s', token }));
      expect(await map(token)).toBe(200);
      expect(await map('other')).toBe(401);
      expect((await fetch(`${agent.rpcUrl}jsonrpc/`, { method: 'POST', body: '{}' })).status).toBe(401);
    }
    writeFileSync(file, '{"url": "http://127.0.0.1:1/sessions/s", "token": ""}');
    expect(await map('')).toBe(401);
  });

  it('ends kernels with the token, at the same time, and pushes within the time limit only', async () => {
    const deletions: ServerResponse[] = [];
    const jupyter = createServer((req, res) => {
      if (req.headers.authorization !== 'token secret') return res.writeHead(403).end();
      if (req.method !== 'DELETE')
        return res.end(JSON.stringify(req.url?.endsWith('/kernels') ? [{ id: 'k-1' }, { id: 'k-2' }] : []));
      deletions.push(res);
      // Both are requested before one of them has a response.
      if (deletions.length === 2) for (const each of deletions) each.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    await once(jupyter, 'listening');
    const url = `http://127.0.0.1:${(jupyter.address() as AddressInfo).port}/sessions/s`;
    writeFileSync(file, JSON.stringify({ url, token: 'secret' }));
    writeFileSync(join(session.tree, 'a.txt'), 'edited\n');
    const held = new Set<ServerResponse>();
    served.intercept = (_request, response) => held.add(response) !== undefined;
    for (const pushSeconds of [0, 1.5, 3601, '1'])
      expect(
        await agent.api('save', 'POST', '/v1/saves', { reason: 'pre-stop', isFinal: true, pushSeconds }),
      ).toMatchObject({ status: 422, body: { error: { message: expect.stringContaining('pushSeconds: must be') } } });

    const { state, result, error } = await agent.save({ reason: 'pre-stop', isFinal: true, pushSeconds: 1 });
    expect([state, result?.location, error?.reason]).toEqual(['failed', 'volume', 'unreachable']);
    expect(error?.message).toMatch(/^The push to 127\.0\.0\.1:\d+ did not end in time\.$/);
    expect(deletions).toHaveLength(2);
    served.intercept = () => false;
    for (const response of held) response.destroy();
    expect(await agent.save({ pushSeconds: 60 })).toMatchObject({ result: { location: 'remote', isVerified: true } });
    jupyter.close();
  });
});
