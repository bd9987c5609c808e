import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { TestMachine, waiting } from '../../src/local/kubelet/testing/machine.ts';
import { createSession } from '../../src/local/kubelet/testing/templates.ts';
import { defaultEnvironment, Jupyter } from '../support/jupyter.ts';

/** What a session listens on while a kernel runs code and a debugger is attached to it, and who may connect. */
const image = 'registry/jupyter:1';
/** The user "nobody" of most systems. */
const otherUser = 65_534;
/** The debugger counts threads from 1. */
const mainThread = 1;

let scratch: string;
let machine: TestMachine;
let jupyter: Jupyter;
let kernel: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'notebook-sessions-sockets-'));
  const environment = await defaultEnvironment();
  // Longer than the name of a socket may be.
  const stateDir = join(scratch, 'a-long-name-for-the-folder-of-the-state'.repeat(3));
  mkdirPrivate(stateDir);
  machine = new TestMachine({ images: new Map([[image, environment]]), stateDir });
  await machine.kubelet.start();
  createSession(machine.cluster, { name: 'a', image });
  await machine.ready('a');
  jupyter = Jupyter.of(machine, 'a');
  kernel = await jupyter.startKernel();
  await jupyter.run(kernel, 'import time; print("secret of a cell")');
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
  const { reply } = await jupyter.ask(kernel, 'control', 'debug_request', request);
  expect(reply, `${command}: ${JSON.stringify(reply)}`).toMatchObject({ success: true });
  return reply['body'] as Record<string, unknown>;
}

/** Inodes of the sockets that the session's processes have open. */
function sockets(): Set<string> {
  const links = machine.marked().flatMap(({ pid }) => {
    try {
      return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return []; // has ended, or closed it, between the listing and the look
    }
  });
  return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
}

/** Local ports of the session's listening TCP sockets. */
function tcpListeners(): number[] {
  const own = sockets();
  return ['tcp', 'tcp6'].flatMap((protocol) =>
    readFileSync(`/proc/net/${protocol}`, 'latin1')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && own.has(fields[9] ?? ''))
      .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)),
  );
}

/** Paths of the session's listening Unix sockets; abstract ones begin with @. */
function unixListeners(): string[] {
  const own = sockets();
  return readFileSync('/proc/net/unix', 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '00010000' && own.has(fields[6] ?? ''))
    .map((fields) => fields[7] ?? '');
}

describe('a session with a debugger attached', () => {
  it('listens on one TCP port, Jupyter’s, and on Unix sockets for the rest', async () => {
    expect(tcpListeners()).toEqual([jupyter.endpoint.port]);
    // Five of the kernel, the pipe of forked processes, the debug adapter’s two.
    await vi.waitFor(() => expect(unixListeners().length).toBeGreaterThanOrEqual(8), waiting);
    expect((await fetch(`http://127.0.0.1:${jupyter.endpoint.port}/sessions/a/api/kernels`)).status).toBe(403);
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
    const run = jupyter.run(kernel, code);
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
    const fork =
      'import os, time\nif os.fork() == 0:\n  print("from a child", flush=True); os._exit(0)\nos.wait(); time.sleep(0.5)';
    expect(await jupyter.run(kernel, fork)).toBe('from a child\n');
    expect(
      await jupyter.run(kernel, 'import subprocess, sys; print(subprocess.call([sys.executable, "-c", ""]))'),
    ).toBe('0\n');
  });

  it.skipIf(process.getuid?.() !== 0)('gives nothing to another user of the machine', async () => {
    const { sourcePath } = (await debug('dumpCell', { code: 'secret = 1' })) as { sourcePath: string };
    const as = (...command: string[]) => {
      const { status, stdout, stderr } = spawnSync(command[0] ?? '', command.slice(1), {
        uid: otherUser,
        gid: otherUser,
        cwd: '/',
        encoding: 'utf8',
      });
      return { status, said: stdout + stderr };
    };
    expect(as('id', '-u').said.trim()).toBe(String(otherUser));
    expect(as('cat', sourcePath)).toMatchObject({ status: 1, said: expect.stringContaining('Permission denied') });
    expect(existsSync(sourcePath)).toBe(true);
    const paths = unixListeners();
    expect(paths.filter((path) => path.startsWith('@'))).toEqual([]);
    for (const path of paths) {
      // 7: could not connect.
      expect(as('curl', '--silent', '--unix-socket', path, 'http://x/').status, path).toBe(7);
    }
    for (const { pid } of machine.marked()) {
      expect(as('ls', `/proc/${pid}/fd/`).status).not.toBe(0);
      expect(as('cat', `/proc/${pid}/environ`).status).not.toBe(0);
    }
  });
});

it('a kernel that is started from a terminal listens on no TCP port either, and leaves nothing in the work tree', async () => {
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
