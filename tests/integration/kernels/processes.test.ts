import { writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive, type Platform, startPlatform } from '../../support/platform.ts';
import { demoCommit, openSession } from '../../support/session.ts';
import { findCriu } from '../../support/session-python/criu.ts';
import {
  type Operation,
  type SnapshotReport,
  SnapshotSession,
  snapshotOf,
} from '../../support/session-python/snapshot-session.ts';
import { openSession as openDocument } from '../../support/session-python/supervisor.ts';
import { call, launchSession } from '../../support/session-work.ts';
import { patience } from '../../support/wait-for.ts';

/** The acceptance checks of snapshots with criu, which saves whole processes, with real kernels. */

const criu = findCriu();
const missing = 'missing' in criu ? criu.missing : undefined;
const variables = { SESSION_KERNELS_CRIU: 'program' in criu ? criu.program : '' };

it.runIf(missing !== undefined)('needs criu', ({ skip }) => {
  process.stderr.write(`\nNOT TESTED: snapshots of whole processes. ${missing}\n`);
  skip(missing);
});

describe.runIf(missing === undefined)('of whole processes', () => {
  let session: SnapshotSession;
  /** Waits until the supervisor has tested criu, and returns why it is unavailable for the kernel. */
  const tested = (kernel: string) =>
    session.supervised.until(async () => {
      const engine = (await session.list(kernel)).engines.find(({ name }) => name === 'criu');
      return engine?.unavailable?.includes('is being tested') ? undefined : { unavailable: engine?.unavailable };
    }, 'the supervisor has tested criu');
  beforeAll(async () => {
    session = await SnapshotSession.start({ variables });
    expect(await tested(await session.openKernel('first.ipynb'))).toEqual({ unavailable: null });
  });
  afterAll(() => session[Symbol.asyncDispose]());

  it('snapshots 1 and 3: a process is saved and restored, and an open connection works at once', async () => {
    const kernel = await session.openKernel('one.ipynb');
    using open = await session.supervised.jupyter.connect(kernel);
    const pid = await open.run('import os; x = 41; print(os.getpid())');
    const taken = await session.take(kernel, { label: 'first' });
    expect(taken.snapshot).toMatchObject({
      duration_ms: expect.any(Number),
      snapshot: { label: 'first', engine: 'criu', size_bytes: expect.any(Number), frozen_ms: expect.any(Number) },
    });
    expect(await open.run('print(os.getpid(), x)')).toBe(`${pid.trim()} 41\n`);
    await open.run('x = 1');
    const restored = await session.restore(kernel, snapshotOf(taken));
    expect(restored).toMatchObject({ state: 'succeeded', error: null });
    const printed = await Promise.all([1, 2, 3].map(() => open.run('print(os.getpid(), x)')));
    expect(printed).toEqual(Array(3).fill(`${pid.trim()} 41\n`));
    // Jupyter uses the restored process.
    await session.supervised.jupyter.fetch(`/api/kernels/${kernel}/interrupt`, { method: 'POST' });
    expect(await open.run('print(x)')).toBe('41\n');
  });

  it('snapshots 2: generators, open files, threads and child processes are as they were', async () => {
    const kernel = await session.openKernel('two.ipynb');
    using open = await session.supervised.jupyter.connect(kernel);
    await open.run(`
import subprocess, threading, time
rows = (i for i in range(9)); next(rows); next(rows)
a = [1]; b = {"a": a}
file = open("log.txt", "a+"); file.write("one\\n"); file.flush()
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1; time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()`);
    const taken = await session.take(kernel);
    expect(taken.snapshot?.snapshot).toMatchObject({ engine: 'criu', not_saved: [] });
    await open.run('list(rows); a.append(2); b = None; file.close(); child.kill(); child.wait(); del a');
    expect(await session.restore(kernel, snapshotOf(taken))).toMatchObject({ state: 'succeeded', error: null });
    const check = `
before = ticks; time.sleep(0.1)
file.write("two\\n"); file.flush(); file.seek(0)
print("hello", file=child.stdin)
print(next(rows), b["a"] is a, a, file.read().split(), child.stdout.readline().strip(), ticks > before)`;
    expect(await open.run(check)).toBe("2 True [1] ['one', 'two'] hello True\n");
  });

  it('snapshots 4: a process that runs a cell is saved, and continues in the middle of the cell after a restore', async () => {
    const kernel = await session.openKernel('four.ipynb');
    using open = await session.supervised.jupyter.connect(kernel);
    const cell = open.run(`
import os, time
for i in range(5):
    print(i)
    while not os.path.exists(f"go-{i}"): time.sleep(0.02)`);
    const go = (step: number) => writeFileSync(join(session.supervised.root, `go-${step}`), '');
    go(0);
    const until = (text: string) =>
      session.supervised.until(async () => open.printed.endsWith(text) || undefined, `the output ${text}`);
    await until('1\n');
    const taken = await session.take(kernel);
    for (const step of [1, 2, 3, 4]) go(step);
    expect(await cell).toBe('0\n1\n2\n3\n4\n');
    const before = open.printed.length;
    expect(await session.restore(kernel, snapshotOf(taken))).toMatchObject({ state: 'succeeded' });
    await session.supervised.until(async () => open.printed.slice(before) === '2\n3\n4\n' || undefined, 'the output');
    expect(await open.run('print(i)')).toBe('4\n');
  });

  it('snapshots 6: a process that cannot be started again is named, and the kernel has the state from before', async () => {
    const kernel = await session.openKernel('six.ipynb');
    using open = await session.supervised.jupyter.connect(kernel);
    await open.run('import os; x = 1; file = open("data.txt", "w+"); file.write("a"); file.flush()');
    const taken = await session.take(kernel);
    const pid = await open.run('x = 2; file.write("more"); file.flush(); print(os.getpid())');
    expect(await session.restore(kernel, snapshotOf(taken))).toMatchObject({
      state: 'failed',
      error: { reason: 'conflict', message: expect.stringMatching(/data\.txt.*has the state from before/s) },
    });
    expect(await open.run('file.seek(0); print(os.getpid(), x, file.read())')).toBe(`${pid.trim()} 2 amore\n`);
  });

  it('a process that is connected to another one by a Unix socket is not saved, and continues', async () => {
    const kernel = await session.openKernel('socket.ipynb');
    using open = await session.supervised.jupyter.connect(kernel);
    await open.run(`
import socket
outside = socket.socket(socket.AF_UNIX)
outside.connect(${JSON.stringify(join(session.supervised.state, 'supervisor.sock'))})
x = 2`);
    const refused = await session.until((await session.begin(kernel, '', { engine: 'criu' })).id);
    expect(refused).toMatchObject({
      state: 'failed',
      error: { message: expect.stringMatching(/cannot be saved now: .*unix.* It was not changed\./is) },
    });
    expect(await open.run('print(x)')).toBe('2\n');
    // Its variables can be saved.
    const taken = await session.take(kernel, { engine: 'namespace' });
    expect(taken.snapshot?.snapshot).toMatchObject({ engine: 'namespace', variables: 2 });
  });

  it('snapshots 9: the process of a killed kernel, and of one that ended with its session, runs again under the same id', async () => {
    const kernel = await session.openKernel('nine.ipynb');
    const begin = 'import os; x = 41; rows = iter(range(9)); next(rows); print(os.getpid())';
    const pid = Number(await session.run(kernel, begin));
    const id = snapshotOf(await session.take(kernel));
    process.kill(pid, 'SIGKILL');
    await session.supervised.until(async () => (isAlive(pid) ? undefined : true), 'the kernel has ended');
    expect(await session.restore(kernel, id)).toMatchObject({ state: 'succeeded', error: null });
    expect(await session.run(kernel, 'print(os.getpid(), x, next(rows))')).toBe(`${pid} 41 1\n`);
    await session.supervised.stop();
    await session.supervised.launch();
    expect(await tested(kernel)).toEqual({ unavailable: 'The kernel does not run.' });
    expect(await session.restore(kernel, id)).toMatchObject({ state: 'succeeded', error: null });
    expect(await session.run(kernel, 'print(os.getpid(), x, next(rows))')).toBe(`${pid} 41 1\n`);
    const { status } = await session.supervised.jupyter.fetch(`/api/kernels/${kernel}`, { method: 'DELETE' });
    expect(status).toBe(204);
    await session.supervised.until(async () => (isAlive(pid) ? undefined : true), 'the kernel has ended');
  });
});

describe.runIf(missing === undefined)('of whole processes on the local platform', () => {
  let platform: Platform;
  beforeAll(async () => {
    const path = [dirname(variables.SESSION_KERNELS_CRIU), process.env['PATH']].join(delimiter);
    platform = await startPlatform({ args: ['--no-demo', '--kernels-on-tcp'], env: { PATH: path } });
  });
  afterAll(async () => {
    await platform?.dispose();
  });

  it('are taken and restored with the option --kernels-on-tcp', async () => {
    const commit_sha = await demoCommit(platform);
    const project = { namespace: 'demo', project: 'first-light', branch: 'main', commit_sha };
    const { name, url } = await launchSession(platform, project);
    const jupyter = await openSession(platform, url);
    const kernel = (await openDocument(jupyter, 'tcp.ipynb')).kernel.id;
    const snapshots = `/servers/${name}/kernels/${kernel}/snapshots`;
    const operation = async (path: string, body: object = {}) => {
      const begun = await call<Operation>(platform, 'POST', path, body);
      expect(begun.status, JSON.stringify(begun.body)).toBe(202);
      let ended = begun.body;
      await expect
        .poll(async () => {
          ended = (await call<Operation>(platform, 'GET', `/servers/${name}/operations/${begun.body.id}`)).body;
          return ended.finishedAt;
        }, patience)
        .not.toBeNull();
      return ended;
    };
    await expect
      .poll(async () => (await call<SnapshotReport>(platform, 'GET', snapshots)).body.engines, patience)
      .toContainEqual({ name: 'criu', unavailable: null });
    using open = await jupyter.connect(kernel);
    await open.run('x = 41');
    const taken = await operation(snapshots);
    expect(taken.snapshot?.snapshot).toMatchObject({ engine: 'criu' });
    await open.run('x = 1');
    expect(await operation(`${snapshots}/${snapshotOf(taken)}/restore`)).toMatchObject({
      state: 'succeeded',
      error: null,
    });
    expect(await open.run('print(x)')).toBe('41\n');
  });
});
