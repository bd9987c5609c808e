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
import { freePort, startPlatform } from '../support/platform.ts';
import { type SessionResponse, waitForState } from '../support/session.ts';

/**
 * What a power cut, a full disk or a hand in the wrong place does to the files of the state folder: the next start
 * works, or ends with a sentence that names the file and the remedy.
 */
const main = join(import.meta.dirname, '../../src/local/main.ts');
/** Of a platform that ran with a session and was stopped. */
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
  // The superuser may read everything, so for it there is a folder in the file's place.
  unreadable: (file) => {
    if (process.getuid?.() !== 0) return chmodSync(file, 0);
    rmSync(file);
    mkdirSync(join(file, 'in-its-place'), { recursive: true });
  },
};

/** Starts the platform and, where it comes up, stops it again. */
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

/** One sentence or two for a person, on one line: the file, what is wrong, what to do. */
function expectExplained({ code, output, said, isUp }: Awaited<ReturnType<typeof start>>, file: string): void {
  expect(isUp, output).toBe(false);
  expect(code).toBe(1);
  expect(said).not.toContain('\n');
  expect(said).toContain(file);
  expect(said).toMatch(/(Restore|Delete|Move|Give|Update|Check|move it away|delete it)/);
  expect(said).not.toMatch(/\bat .*:\d+|DECODER|NaN|undefined|SyntaxError|ERR_|E[A-Z]{4,}/);
}

it.each(['schema-version', 'marker', 'keys/cookie-secret', 'cluster.sqlite', 'forge/forge.json'])(
  '%s, which cannot be made anew, is named however it is damaged, and may be put back',
  async (name) => {
    const stateDir = copyOfState();
    const file = join(stateDir, name);
    const before = readFileSync(file);
    for (const damage of Object.values(damages)) {
      damage(file);
      expectExplained(await start(stateDir), file);
      rmSync(file, { recursive: true, force: true });
      writeFileSync(file, before, { mode: 0o600 });
    }
    expect(await start(stateDir)).toMatchObject({ isUp: true, code: 0 });
  },
);

/** Everything else that is a file of the platform's own, and not of a session's user or of git. */
function harmless(stateDir: string): string[] {
  const patterns = ['*', 'keys/*', 'gateway/*', 'tls/*', 'pods/*/pod.json', 'pods/**/*.json', 'volumes/*/.*.uid'];
  const fatal = ['schema-version', 'marker', 'keys/cookie-secret', 'cluster.sqlite', 'lock'];
  return [...new Set(globSync(patterns, { cwd: stateDir }))]
    .filter((name) => statSync(join(stateDir, name)).isFile() && !fatal.includes(name))
    .sort();
}

describe('what can be made anew', () => {
  it.each(['empty', 'cut off', 'garbage'])(
    'is, all at once, when it is %s, and the session goes on',
    async (damage) => {
      const stateDir = copyOfState();
      const files = harmless(stateDir);
      expect(files).toEqual(
        expect.arrayContaining(['cookies.txt', 'gateway/signing-key.pem', 'keys/kubernetes-token', 'tls/server.pem']),
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

  it('is, or is named, when it cannot be read', async () => {
    for (const name of harmless(template).filter((each) => !each.startsWith('pods/'))) {
      const stateDir = copyOfState();
      const file = join(stateDir, name);
      damages['unreadable']?.(file);
      const started = await start(stateDir);
      if (!started.isUp) expectExplained(started, file);
    }
  });

  it('is not the lock, and that is said, too', async () => {
    const stateDir = copyOfState();
    const file = join(stateDir, 'lock');
    writeFileSync(file, randomBytes(5_000));
    expectExplained(await start(stateDir), file);
  });
});
