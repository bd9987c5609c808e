import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepRunning } from './program.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'program-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test.each(['', '{"pid": 1', 'null'])('a program starts although the note of its former process is %j', async (note) => {
  const entry = join(directory, 'entry.mjs');
  const processFile = join(directory, 'process');
  const logFile = join(directory, 'log');
  writeFileSync(entry, 'process.stdout.write("here\\n"); setInterval(() => undefined, 1_000);');
  writeFileSync(processFile, note);
  const env = { PATH: process.env['PATH'] ?? '' };
  const program = keepRunning({ name: 'p', entry, env, logFile, processFile, log: pino({ level: 'silent' }) });
  try {
    await expect.poll(() => program.pid, { timeout: 10_000 }).toBeDefined();
    await expect.poll(() => program.logTail(1), { timeout: 10_000 }).toBe('here');
    expect(JSON.parse(readFileSync(processFile, 'utf8'))).toMatchObject({ pid: program.pid });
  } finally {
    await program.stop();
  }
});
