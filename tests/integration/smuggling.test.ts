import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { parseCommandLine } from '../../src/local/command-line.ts';
import { preparePython } from '../../src/local/python/prepare.ts';
import { comparesEqual, type ReadRequest } from '../support/local/http/differential.ts';

it('Jupyter’s parser behind the proxy reads the same requests as the one in front of it', async () => {
  const { cacheDir } = parseCommandLine([], process.env, process.cwd());
  const { python } = await preparePython({
    cacheDir,
    progress: () => undefined,
    signal: new AbortController().signal,
  });
  const child = spawn(python, [join(import.meta.dirname, '../support/tornado_server.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const lines = createInterface({ input: child.stdout });
    const [first] = (await Promise.race([once(lines, 'line'), ended])) as unknown[];
    const { port } = JSON.parse(String(first)) as { port: number };
    let arrived: ReadRequest[] = [];
    lines.on('line', (line) => arrived.push(JSON.parse(line) as ReadRequest));
    const take = async () => {
      // Lines arrive in order: after the line of the marker, all earlier requests have been read.
      const marker = `/marker-${Math.random()}`;
      await fetch(`http://127.0.0.1:${port}${marker}`);
      await expect.poll(() => arrived.some(({ target }) => target === marker), { interval: 1 }).toBe(true);
      const taken = arrived.filter(({ target }) => target !== marker);
      arrived = [];
      return taken;
    };
    const { allowed } = await comparesEqual({ port, take }, 600);
    // Otherwise nothing was compared.
    expect(allowed).toBeGreaterThan(600);
  } finally {
    child.stdin.end();
    await ended;
  }
});
