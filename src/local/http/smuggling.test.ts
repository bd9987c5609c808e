import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { comparesEqual, type ReadRequest } from '../../../tests/support/local/http/differential.ts';

test('Node’s parser behind the proxy reads the same requests as the parser in front of the proxy', async () => {
  let arrived: ReadRequest[] = [];
  const server = createServer((req, res) => {
    buffer(req).then(
      (body) => {
        arrived.push({ method: req.method ?? '', target: req.url ?? '', body: body.toString('latin1') });
        res.end(`responds to ${req.url}`);
      },
      () => res.destroy(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const take = () => {
    const taken = arrived;
    arrived = [];
    return Promise.resolve(taken);
  };
  const { allowed } = await comparesEqual({ port, take }, 1_000);
  // Otherwise nothing was compared.
  expect(allowed).toBeGreaterThan(1_000);
  server.closeAllConnections();
  server.close();
});
