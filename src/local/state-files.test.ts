import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keptSecret, readKept, UnusableFile, writePrivate } from './state-files.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'state-files-'));
  file = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true }));

const damaged = {
  'an empty file': '',
  'white space': '\n',
  'half a secret': 'ab'.repeat(16),
  'more than a secret': 'ab'.repeat(33),
  'text that is not hexadecimal': 'xy'.repeat(32),
  'a secret followed by other text': `${'ab'.repeat(32)}\nmore`,
};

describe('a secret', () => {
  it('is created once, and readable by its owner only', () => {
    const created = keptSecret(file);
    expect(created).toMatch(/^[0-9a-f]{64}$/);
    expect(keptSecret(file)).toBe(created);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // Earlier versions wrote no line break.
    writeFileSync(file, created);
    expect(keptSecret(file)).toBe(created);
  });

  it.each(Object.keys(damaged))('%s is never used as a secret', (what) => {
    const content = damaged[what as keyof typeof damaged];
    writeFileSync(file, content);
    const loss = 'Then sessions are lost.';
    const ask = () => keptSecret(file, { loss });
    expect(ask).toThrow(UnusableFile);
    expect(ask).toThrow(`${file} is damaged`);
    expect(ask).toThrow(loss);
    expect(readFileSync(file, 'utf8')).toBe(content);

    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const created = keptSecret(file, { log });
    expect(created).toMatch(/^[0-9a-f]{64}$/);
    expect(readFileSync(file, 'utf8')).toBe(`${created}\n`);
    expect(lines.join('')).toContain('damaged');
    expect(lines.join('')).not.toContain(created);
  });
});

describe('a file', () => {
  it('is replaced atomically, and survives a power cut', () => {
    writePrivate(file, 'one');
    const before = statSync(file).ino;
    chmodSync(file, 0o644);
    writePrivate(file, 'two');
    expect(readKept(file)).toBe('two');
    expect(statSync(file).ino).not.toBe(before);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['file']);
  });

  it('has no content if it does not exist; a path that is not a file is named in the error', () => {
    expect(readKept(file)).toBeUndefined();
    mkdirSync(file);
    expect(() => readKept(file)).toThrow(`${file} is a directory`);
    expect(() => writePrivate(file, 'content')).toThrow(`${file} is a directory`);
    expect(() => readKept(join(import.meta.filename, 'below'))).toThrow(/has a parent that is a file/);
  });
});
