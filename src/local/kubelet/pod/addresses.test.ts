import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { choosePort, isLoopback, listensOn, unusedAddress } from './addresses.ts';

it('chooses loopback addresses outside of 127.0.0.0/16 that are not used', () => {
  const used = new Set<string>();
  for (let count = 0; count < 1_000; count += 1) {
    const address = unusedAddress(used);
    expect(address).toMatch(/^127\.[1-9]\d{0,2}\.\d{1,3}\.[1-9]\d{0,2}$/);
    expect(used).not.toContain(address);
    expect(isLoopback(address)).toBe(true);
    used.add(address);
  }
});

it.each(['10.0.0.1', '0.0.0.0', '::1', '127.example.org', undefined])(
  'does not accept %s as the address of a pod',
  (address) => {
    expect(isLoopback(address)).toBe(false);
  },
);

it('chooses the requested port of each address, and another port if the requested one is used', async () => {
  const [one, other] = [unusedAddress(new Set()), unusedAddress(new Set())];
  const server = createServer().listen(0, one);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    expect(await choosePort(other, port)).toBe(port);
    expect(await choosePort(one, port)).not.toBe(port);
    expect(listensOn(process.pid, one, port)).toBe(true);
    expect(listensOn(process.pid, other, port)).toBe(false);
    expect(listensOn(process.ppid, one, port)).toBe(false);
  } finally {
    server.close();
  }
});
