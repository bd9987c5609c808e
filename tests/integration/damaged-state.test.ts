import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-ports.ts';
import { startPlatform } from '../support/platform.ts';
import { type SessionResponse, waitForState } from '../support/session.ts';

/**
 * Files of the state folder that a power cut, a full disk or a mistake of the user has damaged: the next start works, or
 * ends with a message that names the file and the remedy.
 */
const main = join(import.meta.dirname, '../../src/local/main.ts');
/** The state folder of a platform that had a session and was stopped. */
let template: string;
let port: number;
let session: string;
const copies: string[] = [];

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'notebook-sessions-damaged-'));
  port = await freePort();
  const platform = await startPlatform({ stateDir: template, port });
  const { servers } = (await (await platform.api('/notebooks/servers')).json()) as {
    servers: Record<string, SessionResponse>;
  };
  session = Object.keys(servers)[0] ?? '';
  await waitForState(platform, session, ['running']);
  writeFileSync(join(template, unsaved()), 'work that is nowhere else');
  await platform.stop();
});
afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true, force: true });
});
afterAll(() => rmSync(template, { recursive: true, force: true }));

const unsaved = () => `volumes/notebook-sessions/${session}/first-light/unsaved.txt`;

function copyOfState(): string {
  const copy = mkdtempSync(join(tmpdir(), 'notebook-sessions-damaged-'));
  copies.push(copy);
  cpSync(template, copy, { recursive: true, preserveTimestamps: true });
  return copy;
}

const damages: Record<string, (file: string) => void> = {
  empty: (file) => writeFileSync(file, ''),
  'cut off': (file) => {
    const content = readFileSync(file).toString('latin1').trimEnd();
    writeFileSync(file, content.slice(0, Math.floor(content.length / 2)), 'latin1');
  },
  garbage: (file) => writeFileSync(file, randomBytes(Math.max(200, statSync(file).size))),
  // Root can read every file, so for root a folder replaces the file.
  unreadable: (file) => {
    if (process.getuid?.() !== 0) return chmodSync(file, 0);
    rmSync(file);
    mkdirSync(join(file, 'in-its-place'), { recursive: true });
  },
};

/** Starts the platform and stops it again if it starts. */
async function start(stateDir: string): Promise<{ code: number | null; output: string; said: string; isUp: boolean }> {
  const child = spawn(process.execPath, [main, '--port', String(port), '--state', stateDir, '--no-demo'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let said = '';
  let isUp = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (isUp || !output.includes('/auth/sign-in')) return;
    isUp = true;
    child.kill('SIGINT');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, said: said.trim(), isUp };
}

/** Expects a message of one or two sentences on one line: the file, the error, the remedy. */
function expectExplained({ code, output, said, isUp }: Awaited<ReturnType<typeof start>>, file: string): void {
  expect(isUp, output).toBe(false);
  expect(code).toBe(1);
  expect(said).not.toContain('\n');
  expect(said).toContain(file);
  expect(said).toMatch(/(Restore|Delete|Move|Give|Update|Check|move it away|delete it)/);
  expect(said).not.toMatch(/\bat .*:\d+|DECODER|NaN|undefined|SyntaxError|ERR_|E[A-Z]{4,}/);
}

/** The platform does not start if one of these files is damaged. */
const fatal = ['schema-version', 'marker', 'keys/cookie-secret', 'keys/agent-secret', 'cluster.sqlite'];

describe('files that cannot be recreated', () => {
  // One copy for all: each test restores its file.
  let stateDir: string;
  beforeAll(() => {
    stateDir = copyOfState();
    copies.pop();
  });
  afterAll(() => rmSync(stateDir, { recursive: true, force: true }));

  it.each([...fatal, 'forge/forge.json'])('%s is named in the error for any damage', async (name) => {
    const file = join(stateDir, name);
    const before = readFileSync(file);
    for (const damage of Object.values(damages)) {
      try {
        damage(file);
        expectExplained(await start(stateDir), file);
      } finally {
        rmSync(file, { recursive: true, force: true });
        writeFileSync(file, before, { mode: 0o600 });
      }
    }
  });

  it('can be restored, and the platform starts', async () => {
    expect(await start(stateDir)).toMatchObject({ isUp: true, code: 0 });
  });
});

/** All other files of the platform itself, without those of a session's user and of git. */
function harmless(stateDir: string): string[] {
  const patterns = [
    ...['*', 'keys/*', 'gateway/*', 'tls/*', 'pods/*/pod.json', 'pods/**/*.json', 'volumes/*/.*.uid'],
    // What the agent knows about its saves.
    'volumes/*/*/.notebook-sessions/*.json',
  ];
  return [...new Set(globSync(patterns, { cwd: stateDir }))]
    .filter((name) => statSync(join(stateDir, name)).isFile() && ![...fatal, 'lock'].includes(name))
    .sort();
}

describe('files that can be recreated', () => {
  it.each(['empty', 'cut off', 'garbage'])(
    'are all recreated if they are %s, and the session continues',
    async (damage) => {
      const stateDir = copyOfState();
      const files = harmless(stateDir);
      expect(files).toEqual(
        expect.arrayContaining([
          ...['cookies.txt', 'gateway/signing-key.pem', 'keys/kubernetes-token', 'tls/server.pem'],
          ...['agent.json', 'git-proxy.json', 'jupyter/server.json'].map((name) =>
            expect.stringMatching(`^pods/.*/${name}$`),
          ),
          expect.stringMatching(/\.notebook-sessions\/operations\.json$/),
        ]),
      );
      writeFileSync(join(stateDir, 'instance.json'), '{"pid": 1, "origin": "http://127.0.0.1:1"}');
      for (const name of [...files, 'instance.json']) damages[damage]?.(join(stateDir, name));
      const platform = await startPlatform({ stateDir, port, args: ['--no-demo'] });
      try {
        await waitForState(platform, session, ['running']);
        expect(readFileSync(join(stateDir, unsaved()), 'utf8')).toBe('work that is nowhere else');
        expect(platform.output()).not.toMatch(/^\s+at /m);
        for (const name of ['keys/kubernetes-token', 'keys/oidc-client-secret', 'gateway/session-pass.key']) {
          expect(readFileSync(join(stateDir, name), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
        }
        expect(await platform.kubernetes('/api/v1/namespaces/default')).toContain('"default"');
      } finally {
        await platform.stop();
      }
    },
  );

  it('are recreated, or named in the error, if they cannot be read', async () => {
    const stateDir = copyOfState();
    const files = harmless(stateDir).filter((each) => !each.startsWith('pods/'));
    for (const name of files) damages['unreadable']?.(join(stateDir, name));
    let unreadable = files;
    // Each start that ends names one of them, until the others are recreated.
    for (let started = await start(stateDir); !started.isUp; started = await start(stateDir)) {
      const named = unreadable.filter((name) => started.said.includes(join(stateDir, name)));
      const [name = ''] = named.toSorted((a, b) => b.length - a.length);
      expect(name, started.said + started.output).not.toBe('');
      expectExplained(started, join(stateDir, name));
      unreadable = unreadable.filter((each) => each !== name);
      rmSync(join(stateDir, name), { recursive: true, force: true });
      cpSync(join(template, name), join(stateDir, name), { preserveTimestamps: true });
    }
    expect(unreadable.length).toBeGreaterThan(0);
  });

  it('do not include the lock, which is named in the error', async () => {
    const stateDir = copyOfState();
    const file = join(stateDir, 'lock');
    writeFileSync(file, randomBytes(5_000));
    expectExplained(await start(stateDir), file);
  });
});
