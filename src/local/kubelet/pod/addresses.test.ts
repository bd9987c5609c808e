import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { readProcess as find, type ProcessInfo } from '../../machine/processes.ts';
import { choosePort, createListenerCheck, isLoopback, unusedAddress } from './addresses.ts';

const listen =
  'import socket, sys, time; s = socket.create_server((sys.argv[1], int(sys.argv[2]))); print(1, flush=True); time.sleep(600)';

function readProcess(pid: number | undefined): ProcessInfo {
  const found = find(pid ?? 0);
  if (!found) throw new Error(`no process ${pid}`);
  return found;
}

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
  } finally {
    server.close();
  }
});

it('finds whether a process or a descendant listens on a port, also after another descendant has taken the port over', async () => {
  const address = unusedAddress(new Set());
  const port = await choosePort(address, 0);
  const own = readProcess(process.pid);
  const other = spawn('sleep', ['600']);
  const listener = () =>
    spawn('python3', ['-I', '-c', listen, address, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const children: ChildProcess[] = [other];
  try {
    const listens = createListenerCheck(own, address, port);
    const listensBelowOther = createListenerCheck(readProcess(other.pid), address, port);
    expect(listens()).toBe(false);
    for (let run = 0; run < 2; run++) {
      const child = listener();
      children.push(child);
      await once(child.stdout, 'data');
      expect([listens(), listensBelowOther()]).toEqual([true, false]);
      expect(createListenerCheck(own, unusedAddress(new Set([address])), port)()).toBe(false);
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(listens()).toBe(false);
    }
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
});
