import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { AddressRefused, checkedLookup, createDnsLookup } from './checked-lookup.ts';

const address = (text: string) => ({ address: text, family: 4 });

/** Starts a name server that knows `good.test`, and never answers for other names. */
async function startNameServer(): Promise<{ address: string; queries: () => number; close(): void }> {
  const socket = createSocket('udp4');
  let queries = 0;
  socket.on('message', (query, from) => {
    queries += 1;
    if (!query.includes('good')) return;
    // The query as a response: one question, and for a question of type A one answer (192.0.2.1, with the name of the question).
    const end = query.indexOf(0, 12) + 5;
    const isA = query.readUInt16BE(end - 4) === 1;
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    const head = Buffer.from([0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
    socket.send(
      Buffer.concat([query.subarray(0, 2), head, query.subarray(12, end), ...(isA ? [answer] : [])]),
      from.port,
    );
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    queries: () => queries,
    close: () => void socket.close(),
  };
}

test('a lookup does not wait for slow name servers of other names, however many wait', async () => {
  const server = await startNameServer();
  const resolve = createDnsLookup([server.address]);
  let ended = 0;
  const slow = Array.from({ length: 100 }, (_, index) =>
    resolve(`slow-${index}.test`).catch((error: NodeJS.ErrnoException) => {
      ended += 1;
      return error.code;
    }),
  );
  expect(await resolve('good.test')).toEqual([{ address: '192.0.2.1', family: 4 }]);
  expect(ended).toBe(0);
  expect(server.queries()).toBeGreaterThan(100);
  expect(new Set(await Promise.all(slow))).toEqual(new Set(['ETIMEOUT']));
  server.close();
}, 30_000);

test.each([
  [['1.1.1.1', '2.2.2.2'], undefined],
  [['1.1.1.1', '10.0.0.1'], AddressRefused],
  [[], Error],
])('%j', async (addresses, failure) => {
  const lookup = checkedLookup(
    (text) => !text.startsWith('10.'),
    async () => addresses.map(address),
  );
  const answer = new Promise((resolve, reject) => {
    lookup('host.test', { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });
  if (failure) await expect(answer).rejects.toThrow(failure);
  else expect(await answer).toEqual(addresses.map(address));
});
