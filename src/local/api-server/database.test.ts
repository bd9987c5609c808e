import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { log } from '../../../tests/support/local/api-server/test-server.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import { Database, MIGRATIONS, UnusableStore } from './database.ts';
import { openCluster } from './open-cluster.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-'));
  path = join(directory, 'cluster.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true }));

const row = (name: string, version: number) => ({
  resource: 'things',
  namespace: 'default',
  name,
  version,
  writtenAt: 1,
  body: `{"metadata":{"name":"${name}"}}`,
});

it('keeps the rows and the highest version, also when the newest object is removed', () => {
  const first = Database.open(path);
  first.put(row('a', 2));
  first.put(row('b', 3));
  first.remove({ ...row('b', 4) });
  first.close();
  const second = Database.open(path);
  expect([...second.rows()].map(({ name }) => name)).toEqual(['a']);
  expect(second.version()).toBe(4);
  second.close();
});

it('is readable only by its owner', () => {
  Database.open(path).close();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('keeps every acknowledged write when its process is killed', async () => {
  const program = `
    import { openCluster } from '${new URL('./open-cluster.ts', import.meta.url)}';
    import { pino } from 'pino';
    const cluster = openCluster({ path: ${JSON.stringify(path)}, log: pino({ level: 'silent' }) });
    const configMaps = { group: '', version: 'v1', plural: 'configmaps' };
    for (let index = 0; ; index += 1) {
      cluster.create(configMaps, 'default', { metadata: { name: 'c' + index }, data: { text: 'x'.repeat(2000) } });
      process.stdout.write(index + '\\n');
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let acknowledged = -1;
  const dead = new Promise((resolve) => child.on('close', resolve));
  child.stdout.setEncoding('utf8');
  let text = '';
  child.stdout.on('data', (chunk: string) => {
    text += chunk;
    acknowledged = Number(text.trimEnd().split('\n').at(-1));
    if (acknowledged > 500) child.kill('SIGKILL');
  });
  await dead;
  acknowledged = Number(text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1));
  expect(acknowledged).toBeGreaterThan(500);

  const cluster = openCluster({ path, log });
  const names = new Set(cluster.list(resource.configMaps).map(({ metadata }) => metadata.name));
  for (let index = 0; index <= acknowledged; index += 1) expect(names.has(`c${index}`), `c${index}`).toBe(true);
  expect(cluster.objects.version).toBeGreaterThanOrEqual(acknowledged + 2);
  cluster.close();
});

describe('an unusable file', () => {
  it('of a newer version of the program is not changed, and the error names the version', () => {
    Database.open(path, [...MIGRATIONS, 'CREATE TABLE future (x)']).close();
    expect(() => Database.open(path)).toThrow(UnusableStore);
    expect(() => Database.open(path)).toThrow(/written by a newer version/);
  });

  it('of another program is not changed', () => {
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE theirs (x)');
    other.close();
    expect(() => Database.open(path)).toThrow(/another program/);
    const again = new DatabaseSync(path);
    expect(again.prepare('SELECT count(*) AS n FROM theirs').get()?.['n']).toBe(0);
    again.close();
  });

  it('without a database is an error', () => {
    writeFileSync(path, 'hello, this is certainly not a database file'.repeat(100));
    expect(() => Database.open(path)).toThrow(/damaged or not a database/);
  });

  it('that is empty is an error', () => {
    writeFileSync(path, '');
    expect(() => Database.open(path)).toThrow(/is empty\. .*move it away/);
  });

  it.each([
    ["UPDATE objects SET body = '{'", 'an incomplete object'],
    ["UPDATE objects SET body = '[]'", 'a value that is not an object'],
    ['DELETE FROM clock', 'no clock'],
  ])('with damaged rows is an error', (damage) => {
    openCluster({ path, log }).close();
    const sqlite = new DatabaseSync(path);
    sqlite.exec(damage);
    sqlite.close();
    expect(() => openCluster({ path, log })).toThrow(UnusableStore);
    expect(() => openCluster({ path, log })).toThrow(/is damaged\. .*move it away/);
  });

  it('that is open in another process is an error', () => {
    const first = Database.open(path);
    expect(() => Database.open(path)).toThrow(/in use by another process/);
    first.close();
  });
});

describe('a migration', () => {
  const next = [...MIGRATIONS, 'ALTER TABLE objects ADD COLUMN extra TEXT'];

  it('keeps the data, and a copy of the former database', () => {
    const old = Database.open(path);
    old.put(row('a', 2));
    old.close();
    const migrated = Database.open(path, next);
    expect([...migrated.rows()].map(({ name }) => name)).toEqual(['a']);
    migrated.close();
    const copy = Database.open(`${path}.schema-1`);
    expect([...copy.rows()].map(({ name }) => name)).toEqual(['a']);
    copy.close();
    expect(statSync(`${path}.schema-1`).mode & 0o777).toBe(0o600);
  });

  it('that fails changes nothing', () => {
    const old = Database.open(path);
    old.put(row('a', 2));
    old.close();
    expect(() => Database.open(path, [...MIGRATIONS, 'CREATE TABLE half (x)', 'NONSENSE'])).toThrow();
    const unchanged = Database.open(path);
    expect([...unchanged.rows()].map(({ name }) => name)).toEqual(['a']);
    unchanged.close();
  });

  it('of a new database creates no copy', () => {
    Database.open(path, next).close();
    expect(existsSync(`${path}.schema-1`)).toBe(false);
  });
});
