import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-ports.ts';

/**
 * run-telepresence.sh on a terminal, with programs that record their calls instead of kubectl, helm and telepresence. The
 * files `connected` and `intercepted` are the state that telepresence's daemon would have.
 */

const script = join(import.meta.dirname, '../../run-telepresence.sh');
const deployment = 'notebooks-notebook-sessions';

const programs = {
  kubectl: `case "$*" in
    'config current-context') echo kind-platform ;;
    'config view --minify '*) printf team ;;
    'get deployments --namespace team '*) printf 'other shop\\nnotebooks ${deployment}\\n' ;;
    'get deployments '*) ;;
    'get configmap ${deployment} --namespace team '*) printf 'service_prefix = /notebooks' ;;
    *) echo "unexpected: $*" >&2; exit 1 ;;
  esac`,
  helm: `case "$*" in
    'list --namespace team --all --short') printf 'database\\nnotebooks\\n' ;;
    'list --namespace empty --all --short') ;;
    *) echo "unexpected: $*" >&2; exit 1 ;;
  esac`,
  telepresence: `case "$1" in
    status) [ -e "$STATE/connected" ] && echo 'Status            : Connected' || echo 'Status            : Not connected' ;;
    connect) touch "$STATE/connected" ;;
    quit) rm "$STATE/connected" ;;
    leave) rm "$STATE/intercepted" ;;
    intercept)
      for argument; do case $argument in CONFIG_FILE=*) cp "\${argument#*=}" "$STATE/configuration" ;; esac; done
      [ -e "$STATE/leaves-nothing" ] || trap 'rm "$STATE/intercepted"; exit 0' TERM
      echo $$ > "$STATE/process"
      touch "$STATE/intercepted"
      sleep infinity &
      wait ;;
    *) echo "unexpected: $*" >&2; exit 1 ;;
  esac`,
};

let folder: string;
let running: ChildProcess | undefined;

const has = (name: string) => existsSync(join(folder, name));
const calls = () => (has('calls') ? readFileSync(join(folder, 'calls'), 'utf8').split('\n').slice(0, -1) : []);
const changes = () => calls().filter((call) => /^telepresence (?!status)/.test(call));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'telepresence-'));
  for (const [name, body] of Object.entries(programs)) {
    const text = `#!/usr/bin/env bash\necho "${name} $*" >> "$STATE/calls"\n${body}\n`;
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }
});
afterEach(() => {
  running?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const environment = () => ({
  STATE: folder,
  TMPDIR: folder,
  TERM: 'dumb',
  HOME: folder,
  PATH: `${folder}:${dirname(process.execPath)}:/usr/bin:/bin`,
});

/** Starts the script on a terminal of its own, as `script` of util-linux makes one. */
function start(args: readonly string[]) {
  const child = spawn('script', ['-qec', [script, ...args].join(' '), '/dev/null'], { env: environment() });
  running = child;
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  const ended = once(child, 'close').then(([code]) => code as number);
  return {
    output: () => output,
    type: (text: string) => child.stdin.write(text),
    shows: (text: string) => expect.poll(() => output, { message: text }).toContain(text),
    ended,
  };
}

/** Returns whether the process of `telepresence intercept` runs. */
function isIntercepting(): boolean {
  return existsSync(join('/proc', readFileSync(join(folder, 'process'), 'utf8').trim()));
}

const temporaryFolders = () => readdirSync(folder).filter((name) => name.startsWith('tmp.'));

describe('run-telepresence.sh', () => {
  it('intercepts the release that has the service and, after Ctrl-C, gives the requests back and disconnects', async () => {
    const port = await freePort();
    const terminal = start(['--yes', '--port', String(port)]);
    await expect.poll(() => has('intercepted')).toBe(true);

    await terminal.shows(`route all requests of Deployment ${deployment} to port ${port}`);
    expect(readFileSync(join(folder, 'configuration'), 'utf8')).toBe('service_prefix = /notebooks');
    expect(changes()).toEqual([
      'telepresence connect --namespace team',
      expect.stringMatching(
        new RegExp(
          `^telepresence intercept ${deployment} --port ${port}:http -- env CONFIG_FILE=\\S+ HOST=127.0.0.1 PORT=${port} ` +
            'XDG_CACHE_HOME=\\S+ node \\S+/scripts/run.cjs dev --context kind-platform --namespace team$',
        ),
      ),
    ]);

    terminal.type('\x03');
    await terminal.ended;
    expect([has('intercepted'), has('connected'), temporaryFolders()]).toEqual([false, false, []]);
    await expect.poll(isIntercepting).toBe(false);
    expect(changes().at(-1)).toBe('telepresence quit');
  });

  it('asks for namespace, release and port with the found values as defaults, and before it changes anything', async () => {
    const port = await freePort();
    const terminal = start([]);
    await terminal.shows('Namespace of the release [team]: ');
    terminal.type('\n');
    await terminal.shows('Helm release [notebooks]: ');
    terminal.type('\n');
    await terminal.shows('Port on this machine [8000]: ');
    terminal.type(`${port}\n`);
    await terminal.shows('Continue? [Y/n] ');
    expect(changes()).toEqual([]);
    terminal.type('n\n');
    expect(await terminal.ended).toBe(1);
    await terminal.shows('nothing was changed');
    expect(changes()).toEqual([]);
  });

  it('removes an intercept that telepresence has left, and keeps a connection that existed before', async () => {
    writeFileSync(join(folder, 'connected'), '');
    writeFileSync(join(folder, 'leaves-nothing'), '');
    const terminal = start(['--yes', '--port', String(await freePort())]);
    await expect.poll(() => has('intercepted')).toBe(true);
    terminal.type('\x03');
    await terminal.ended;
    expect([has('intercepted'), has('connected'), temporaryFolders()]).toEqual([false, true, []]);
    await expect.poll(isIntercepting).toBe(false);
    expect(changes().map((call) => call.split(' ')[1])).toEqual(['intercept', 'leave']);
  });

  it.each([
    ['without a release of the service', ['--yes', '--namespace', 'empty'], 'no Helm release in namespace empty has'],
    [
      'with a release without the service',
      ['--yes', '--release', 'database'],
      'the release database in namespace team has no',
    ],
    ['with an unknown option', ['--port=1'], 'unknown argument --port=1'],
    ['with an option without a value', ['--port'], '--port needs a value'],
    ['with an invalid port', ['--yes', '--port', '70000'], 'the port must be a number from 1 to 65535, not 70000'],
    ['without a terminal for its questions', [], 'use the options (see --help)'],
  ])('ends %s with the reason, and changes nothing', (_case, args, reason) => {
    const { status, stderr } = spawnSync(script, args, { env: environment(), encoding: 'utf8', input: '' });
    expect(stderr).toContain(reason);
    expect(status).toBe(1);
    expect(changes()).toEqual([]);
  });

  it('names all programs that are missing', () => {
    const only = join(folder, 'only');
    mkdirSync(only);
    for (const path of ['/bin/bash', '/usr/bin/dirname', join(folder, 'kubectl'), process.execPath]) {
      symlinkSync(path, join(only, basename(path)));
    }
    const { status, stderr } = spawnSync(script, ['--yes'], { env: { PATH: only }, encoding: 'utf8' });
    expect(stderr).toContain('missing: helm telepresence.');
    expect(status).toBe(1);
  });
});
