import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import pino from 'pino';
import { expect, it } from 'vitest';
import { kubeconfigOf } from '../../tests/support/sessions/kubeconfig.ts';
import { createKubernetesClient } from '../platform/kubernetes/client.ts';
import { parseKubeConfig } from '../platform/kubernetes/kubeconfig.ts';
import { type Line, lineLimitBytes, splitLines } from './lines.ts';

async function* given(chunks: Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function read(chunks: AsyncIterable<Buffer>): Promise<Line[]> {
  const all: Line[] = [];
  for await (const lines of splitLines(chunks)) all.push(...lines);
  return all;
}

const time = '2026-01-01T00:00:00.000000001Z';

it('splits lines correctly wherever chunks end, also within a character', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', 'ü', '€', '🙂', '\t', '\r') }).map((line) => `${line}.`);
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1 }), fc.array(fc.nat(), { maxLength: 20 }), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${time} ${line}\n`).join(''));
      const at = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      const found = await read(given(chunks));
      expect(found.map((line) => line.text)).toEqual(lines);
      expect(new Set(found.map((line) => line.time))).toEqual(new Set([time]));
    }),
    { numRuns: 500 },
  );
});

it('accepts a last line without a line break, a line with only a time, and a line without a time', async () => {
  const found = await read(
    given([Buffer.from(`${time} \n${time}\nfailed to watch: no space\n2026-99-99T00:00:00Z x\n${time} end`)]),
  );
  expect(found).toMatchObject([
    { time, text: '' },
    { time, text: '' },
    { time: null, text: 'failed to watch: no space' },
    { time: null, text: '2026-99-99T00:00:00Z x' },
    { time, text: 'end' },
  ]);
});

it('replaces bytes that are not UTF-8', async () => {
  const [line] = await read(given([Buffer.from(`${time} a`), Buffer.from([0xff, 0xc3, 0x0a])]));
  expect(line?.text).toBe('a\ufffd\ufffd');
});

it.each(['x', 'ü', '€', '🙂'])(
  'cuts a line of a million %s between two characters, and keeps the next line whole',
  async (character) => {
    for (let shift = 0; shift < 4; shift += 1) {
      const long = Buffer.from(`${time} ${'-'.repeat(shift)}${character.repeat(1_000_000)}\n${time} next\n`);
      const chunks = Array.from({ length: Math.ceil(long.length / 7_777) }, (_, n) =>
        long.subarray(n * 7_777, (n + 1) * 7_777),
      );
      for (const cut of [chunks, [long]]) {
        const [line, next] = await read(given(cut));
        expect(line?.isCut).toBe(true);
        expect(line?.text.replace(/^-+/, '').replaceAll(character, '')).toBe('');
        expect(Buffer.byteLength(line?.text ?? '')).toBeGreaterThan(lineLimitBytes - 50);
        expect(Buffer.byteLength(line?.text ?? '')).toBeLessThanOrEqual(lineLimitBytes);
        expect(next).toMatchObject({ text: 'next', isCut: false });
      }
    }
  },
);

it('reads lines over HTTP, and closes the connection on abort', async () => {
  let closed = false;
  const server = createServer((_req, res) => {
    res.on('close', () => {
      closed = true;
    });
    // One byte per chunk, so that every multi-byte character is divided.
    const bytes = Buffer.from(`${time} grüße €🙂\n`);
    const next = (at: number): void => {
      if (at < bytes.length) res.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
    };
    next(0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = pino({ level: 'silent' });
  const client = createKubernetesClient({ kubeconfig: await parseKubeConfig(kubeconfigOf(url, 't')), log });
  const aborter = new AbortController();
  const lines = splitLines(client.podLogStream('a', 'p', { container: 'c', follow: true }, aborter.signal));
  expect((await lines.next()).value).toMatchObject([{ text: 'grüße €🙂' }]);
  const more = lines.next();
  aborter.abort();
  await expect(more).rejects.toThrow('aborted');
  await expect.poll(() => closed).toBe(true);
  await client.close();
  server.close();
});
