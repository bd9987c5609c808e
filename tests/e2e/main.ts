/**
 * Runs the e2e lane: prepares programs and images, then starts Vitest (`--project e2e*`) in network, mount and pid namespaces of
 * its own. So the test cluster may use any address, port and mount, and the kernel removes all of them when Vitest ends,
 * however it ends. Arguments go to Vitest.
 *
 * `main.ts up` starts only the cluster and keeps it until Ctrl-C; meanwhile, runs with E2E_CLUSTER=FILE (the file that `up`
 * prints) use it. With E2E_PREPARED=FOLDER, the folder that `tests/e2e/install` prints, nothing is prepared again.
 *
 * Exits with 77 if something that the lane needs is missing: then nothing was tested.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '../../src/lib/error-code.ts';
import { removeCgroups } from './cluster/cgroups.ts';
import { readClusterFile } from './cluster/cluster-file.ts';

const notRun = 77;
const prefix = 'notebooks-e2e-';
const root = join(import.meta.dirname, '..', '..');

const missing = missingHere();
if (missing.length > 0) {
  process.stderr.write(`\nATTENTION: the e2e lane did NOT run; missing: ${missing.join('; ')}\n\n`);
  process.exit(notRun);
}
await removeTraces((owner) => !existsSync(`/proc/${owner}`));

const prepared = performance.now();
const folder = process.env['E2E_PREPARED'] ?? prepare();
process.stdout.write(`e2e: programs and images were ready after ${seconds(prepared)} s\n`);

const [first, ...rest] = process.argv.slice(2);
const up = [process.execPath, join(import.meta.dirname, 'cluster', 'up.ts')];
const vitest = [process.execPath, join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'e2e*'];
const command = first === 'up' ? up : [...vitest, ...(first === undefined ? [] : [first]), ...rest];
const clusterFile = process.env['E2E_CLUSTER'];
const entered = clusterFile === undefined ? newNamespaces() : namespacesOf(clusterFile);

/** For everything that the run writes. The paths of sockets in it must be short. */
const temporary = join(tmpdir(), `${prefix}${process.pid}`);
mkdirSync(temporary, { mode: 0o700 });
const child = spawn(entered[0] ?? '', [...entered.slice(1), ...command], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    ...{ E2E_PREPARED: folder, E2E_OWNER: String(process.pid), TMPDIR: temporary },
    ...(first === undefined ? { E2E_ALL_FILES: '1' } : {}),
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill('SIGKILL'));
const [code, signal] = await once(child, 'exit');
await removeTraces((owner) => owner === process.pid);
process.exitCode = typeof code === 'number' ? code : 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);

/** Removes what the kernel does not remove at the end of the namespaces: files and cgroups of runs whose process `isOver`. */
async function removeTraces(isOver: (owner: number) => boolean): Promise<void> {
  await removeCgroups(isOver);
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(prefix) && isOver(Number(name.slice(prefix.length))))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/** Returns what the lane needs and this machine does not have. */
function missingHere(): string[] {
  if (process.platform !== 'linux') return ['Linux'];
  const found = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
  return [
    ...(process.getuid?.() === 0 ? [] : ['root (nodes need namespaces and cgroups)']),
    ...(found('go') ? [] : ['Go, which builds Kubernetes']),
    ...(found('apt-get') ? [] : ['apt-get, which installs containerd and the images']),
  ];
}

function prepare(): string {
  const { status, stdout } = spawnSync(join(import.meta.dirname, 'install'), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('The programs and images of the e2e lane could not be prepared: see above.');
  return stdout.trim();
}

/** Returns the command that runs others in new namespaces. When it is killed, the kernel kills everything in them. */
function newNamespaces(): string[] {
  // Bash stays the first process, because Node.js does not reap processes that others have started.
  const reaper = ['bash', '-c', '"$@"; exit $?', 'e2e'];
  return ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...reaper];
}

/** Returns the command that runs others in the namespaces of a cluster that another run keeps. */
function namespacesOf(file: string): string[] {
  const { owner } = readClusterFile(file);
  const [unshare] = childrenOf(owner);
  const [inside] = childrenOf(Number(unshare));
  if (inside === undefined) throw new Error(`The cluster of ${file} does not run any more.`);
  return [
    ...['nsenter', `--target=${inside}`, '--net', '--mount', '--pid', `--wdns=${root}`],
    // Ends when nsenter is killed.
    ...['setpriv', '--pdeathsig=KILL', '--'],
  ];
}

/** Returns the processes whose parent is `parent`. */
function childrenOf(parent: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      // The name of the program, in parentheses, may contain blanks; the state and the parent follow it.
      const [, ppid] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(ppid) === parent;
    } catch (error) {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return false;
      throw error;
    }
  });
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 1000);
}
