import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

test.each(['', '{"pid": 1', 'null'])(
  'a program starts even if the file with its former process id contains %j',
  async (note) => {
    const entry = join(directory, 'entry.mjs');
    const processFile = join(directory, 'process');
    const logFile = join(directory, 'log');
    writeFileSync(entry, 'process.stdout.write("here\\n"); setInterval(() => undefined, 1_000);');
    writeFileSync(processFile, note);
    const env = { PATH: process.env['PATH'] ?? '' };
    const program = keepRunning({ name: 'p', entry, env, logFile, processFile, log: pino({ level: 'silent' }) });
    try {
      await expect.poll(() => program.pid).toBeDefined();
      await expect.poll(() => program.logTail(1)).toBe('here');
      expect(JSON.parse(readFileSync(processFile, 'utf8'))).toMatchObject({ pid: program.pid });
    } finally {
      await program.stop();
    }
  },
);

test('a program is started once even if its process id cannot be stored', async () => {
  const entry = join(directory, 'entry.mjs');
  const processFile = join(directory, 'process');
  const logFile = join(directory, 'log');
  writeFileSync(entry, 'process.stdout.write("here\\n"); setInterval(() => undefined, 1_000);');
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const env = { PATH: process.env['PATH'] ?? '' };
  // The folder does not exist: no process is stored at the start, and storing one fails, as on a full disk.
  const program = keepRunning({ name: 'p', entry, env, logFile, processFile: join(processFile, 'below'), log });
  try {
    await expect.poll(() => existsSync(logFile) && program.logTail(1)).toBe('here');
    expect(lines.join('')).toContain('could not be stored');
    expect(lines.join('')).not.toContain('could not be started');
  } finally {
    await program.stop();
  }
});
