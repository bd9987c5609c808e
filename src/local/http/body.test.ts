import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { readBodyUpTo } from './body.ts';

test('reads a body that is too large to its end, so that the response arrives and the connection is kept', async () => {
  const server = createServer((req, res) => {
    void readBodyUpTo(req, 1_000).then((content) => res.writeHead(content ? 200 : 413).end(content));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = server.address() as AddressInfo;
  const post = async (body: string) => {
    const req = request({ port, host: '127.0.0.1', method: 'POST', agent });
    req.end(body);
    const [res] = await once(req, 'response');
    let text = '';
    for await (const chunk of res) text += String(chunk);
    return [res.statusCode, text, req.reusedSocket];
  };
  try {
    expect(await post('x'.repeat(1_000))).toEqual([200, 'x'.repeat(1_000), false]);
    expect(await post('x'.repeat(4_000_000))).toEqual([413, '', true]);
    expect(await post('y')).toEqual([200, 'y', true]);
  } finally {
    agent.destroy();
    server.close();
  }
});
