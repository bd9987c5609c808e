import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { defaultEnvironment, Jupyter } from '../support/jupyter.ts';
import { listenersOf } from '../support/listeners.ts';
import { TestMachine, waiting } from '../support/local/kubelet/machine.ts';
import { createSession, namespace } from '../support/local/kubelet/templates.ts';
import { otherUser, runAsOther } from '../support/other-os-user.ts';

/** The sockets of a session while a kernel runs code with a debugger attached, and who can connect to them. */

const image = 'registry/jupyter:1';
/** The debugger counts threads from 1. */
const mainThread = 1;

let scratch: string;
let machine: TestMachine;
let jupyter: Jupyter;
let kernel: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-sockets-'));
  const environment = await defaultEnvironment();
  // A path that is longer than the name of a socket can be.
  const stateDir = join(scratch, 'a-long-name-for-the-folder-of-the-state'.repeat(3));
  mkdirPrivate(stateDir);
  machine = new TestMachine({ images: new Map([[image, environment]]), stateDir });
  await machine.kubelet.start();
  createSession(machine.cluster, { name: 'a', image });
  await machine.ready('a');
  jupyter = Jupyter.of(machine, 'a');
  kernel = await jupyter.startKernel();
  await jupyter.execute(kernel, 'import time; print("secret of a cell")');
  await debug('initialize', { clientID: 'test', adapterID: '', pathFormat: 'path', linesStartAt1: true });
  await debug('attach');
});
afterAll(async () => {
  await machine?.close();
  rmSync(scratch, { recursive: true, force: true });
});

function mkdirPrivate(path: string): void {
  spawnSync('mkdir', ['-m', '700', path]);
}

async function debug(command: string, args: object = {}): Promise<Record<string, unknown>> {
  const request = { type: 'request', seq: 1, command, arguments: args };
  const { reply } = await jupyter.request(kernel, 'control', 'debug_request', request);
  expect(reply, `${command}: ${JSON.stringify(reply)}`).toMatchObject({ success: true });
  return reply['body'] as Record<string, unknown>;
}

const listeners = () => listenersOf(machine.marked().map(({ pid }) => pid));

describe('a session with a debugger attached', () => {
  it('listens on one TCP port, that of Jupyter, and otherwise on Unix sockets', async () => {
    expect(listeners().tcp.map(({ port }) => port)).toEqual([Number(new URL(jupyter.url).port)]);
    // Five sockets of the kernel, the pipe of forked processes, and two of the debug adapter.
    await vi.waitFor(() => expect(listeners().unix.length).toBeGreaterThanOrEqual(8), waiting);
    expect((await fetch(`${jupyter.url}/api/kernels`)).status).toBe(403);
  });

  it('stops at a breakpoint, and shows what a forked process prints', async () => {
    const code = 'x = 20\ny = x + 1\nprint(y)\n';
    const { sourcePath } = await debug('dumpCell', { code });
    const { breakpoints } = (await debug('setBreakpoints', {
      source: { path: sourcePath },
      breakpoints: [{ line: 2 }],
      lines: [2],
      sourceModified: false,
    })) as { breakpoints: { verified: boolean }[] };
    expect(breakpoints).toMatchObject([{ verified: true }]);
    await debug('configurationDone');
    const run = jupyter.execute(kernel, code);
    await vi.waitFor(async () => {
      const { stoppedThreads } = (await debug('debugInfo')) as { stoppedThreads: number[] };
      expect(stoppedThreads).toContain(mainThread);
    }, waiting);
    const { stackFrames } = (await debug('stackTrace', { threadId: mainThread })) as {
      stackFrames: { line: number }[];
    };
    expect(stackFrames[0]?.line).toBe(2);
    await debug('continue', { threadId: mainThread });
    expect(await run).toBe('21\n');
    const fork = 'import os\nif os.fork() == 0:\n  print("from a child", flush=True); os._exit(0)\nos.wait(); None';
    // The output of a forked process may arrive after the end of the cell.
    expect(await jupyter.execute(kernel, fork, { until: /\n$/ })).toBe('from a child\n');
    expect(
      await jupyter.execute(kernel, 'import subprocess, sys; print(subprocess.call([sys.executable, "-c", ""]))'),
    ).toBe('0\n');
  });

  it.skipIf(process.getuid?.() !== 0)('gives no access to another user of the machine', async () => {
    const { sourcePath } = (await debug('dumpCell', { code: 'secret = 1' })) as { sourcePath: string };
    expect(runAsOther('id', ['-u']).stdout.trim()).toBe(String(otherUser.uid));
    expect(runAsOther('cat', [sourcePath])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Permission denied'),
    });
    expect(existsSync(sourcePath)).toBe(true);
    const { unix: paths } = listeners();
    expect(paths.filter((path) => path.startsWith('@'))).toEqual([]);
    for (const path of paths) {
      // curl exits with 7 if it cannot connect.
      expect(runAsOther('curl', ['--silent', '--unix-socket', path, 'http://x/']).exitCode, path).toBe(7);
    }
    // Not even with the token, which is in the URL of an anonymous session.
    const { address, port, token } = machine.kubelet.endpoint(namespace, 'a-0') ?? {};
    for (const host of [address, `[::ffff:${address}]`]) {
      const args = [
        '--silent',
        '-g',
        '-H',
        `Authorization: token ${token}`,
        `http://${host}:${port}/sessions/a/api/status`,
      ];
      // curl exits with 52 or 56 if the connection is closed without a response.
      const { exitCode, stdout } = runAsOther('curl', args);
      expect([exitCode, stdout], host).toEqual([expect.toSatisfy((code) => code === 52 || code === 56), '']);
      expect(spawnSync('curl', args, { encoding: 'utf8' }).stdout, host).toContain('"kernels"');
    }
    for (const { pid } of machine.marked()) {
      expect(runAsOther('ls', [`/proc/${pid}/fd/`]).exitCode).not.toBe(0);
      expect(runAsOther('cat', [`/proc/${pid}/environ`]).exitCode).not.toBe(0);
    }
  });
});

it('a kernel that is started from a terminal also listens on no TCP port, and leaves no file in the work tree', async () => {
  const code = 'import os; print(os.popen(f"ss -ltnp | grep -c pid={os.getpid()},").read(), sorted(os.listdir()))';
  const notebook = {
    cells: [{ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: [code] }],
    metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    nbformat: 4,
    nbformat_minor: 4,
  };
  const folder = join(machine.stateDir, 'volumes/sessions/a/group/project');
  writeFileSync(join(folder, 'listeners.ipynb'), JSON.stringify(notebook));
  const printed = await jupyter.inTerminal('jupyter nbconvert --execute --to markdown --stdout listeners.ipynb 2>log');
  expect(printed).toContain("0\n     ['clones', 'listeners.ipynb', 'log']");
});
