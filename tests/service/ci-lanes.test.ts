import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streams } from '../../scripts/ci/lanes.ts';
import { failuresOf, type Lane, runLanes, tableOf } from '../../scripts/ci/run-lanes.ts';

/** The lanes of `.ci/run`, with short commands. */

const root = join(import.meta.dirname, '..', '..');
let logs: string;
beforeAll(() => {
  logs = mkdtempSync(join(tmpdir(), 'lanes-'));
});
afterAll(() => rmSync(logs, { recursive: true }));

const shell = (name: string, script: string, more: Partial<Lane> = {}): Lane => ({
  ...{ name, command: ['sh', '-c', script], limitMinutes: 5 },
  ...more,
});

async function run(...lanes: (readonly Lane[])[]) {
  const printed: string[] = [];
  const results = await runLanes(lanes, {
    ...{ logs, signal: new AbortController().signal },
    print: (line) => printed.push(line),
  });
  return { results, printed, table: tableOf(results), failures: failuresOf(results) };
}

describe('the lanes of a run', () => {
  it('are those of npm test, and the lanes with a cluster', () => {
    const tasks = readFileSync(join(root, 'scripts/run.cjs'), 'utf8');
    const [, ofTest = ''] = /tasks\.test = \{(.*?)\n\};/s.exec(tasks) ?? [];
    const names = [...ofTest.matchAll(/tasks(?:\.|\['test:)(\w+)/g)].map(([, name]) => name);
    expect(names).toHaveLength(5);
    expect(
      streams
        .flat()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names, 'cluster', 'e2e'].sort());
  });

  it('of different streams run at the same time, those of one stream in their order', async () => {
    const file = join(logs, 'first');
    const { results } = await run(
      [shell('waits', `until [ -e ${file} ]; do sleep 0.05; done`), shell('after', `[ -e ${file} ]`)],
      [shell('other', `touch ${file}`)],
    );
    expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'waits passed',
      'after passed',
      'other passed',
    ]);
  });

  it('print their output while they run, each line with the name of its lane, and keep it in a file', async () => {
    const printed: string[] = [];
    const file = join(logs, 'printed');
    await runLanes([[shell('long', `echo first; echo second >&2; until [ -e ${file} ]; do sleep 0.05; done`)]], {
      ...{ logs, signal: new AbortController().signal },
      print(line) {
        printed.push(line);
        if (printed.length === 2) writeFileSync(file, '');
      },
    });
    expect(printed.slice(0, 2).sort()).toEqual(['[long] first', '[long] second']);
    expect(printed.slice(2)).toEqual(['long: passed']);
    expect(readFileSync(join(logs, 'long.log'), 'utf8').split('\n').sort()).toEqual(['', 'first', 'second']);
  });

  it('are in a table with their result, the time and the reason; a lane that tested nothing has not passed', async () => {
    const { table } = await run([
      shell('good', 'exit 0'),
      shell('bad', 'exit 3'),
      shell('killed', 'kill -KILL $$'),
      shell('nothing', 'exit 77'),
      shell('unprepared', 'exit 0', { needs: ['sh', 'no-such-program'] }),
      shell('unknown', '', { command: ['/no/such/program'] }),
      shell('endless', 'exec sleep 1000', { limitMinutes: 0.001 }),
    ]);
    expect(table.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual([
      'lane result min:s',
      'good passed 0:00',
      'bad FAILED 0:00 exit code 3',
      'killed FAILED 0:00 ended by SIGKILL',
      `nothing NOT RUN 0:00 ${join(logs, 'nothing')}.log says what is missing`,
      'unprepared NOT RUN 0:00 this machine does not have no-such-program',
      'unknown FAILED 0:00 spawn /no/such/program ENOENT',
      'endless FAILED 0:00 not finished after 0.001 minutes',
    ]);
  });

  it('say at the end why they failed, and which tests ran again', async () => {
    const { failures } = await run(
      [shell('good', 'echo works; echo "    ✓ races 5ms (retry x1)"')],
      [shell('bad', 'seq 1000; exit 3')],
    );
    const lines = failures.split('\n');
    expect(lines.slice(0, 3)).toEqual(['', 'The end of the output of bad:', '941']);
    expect(lines.slice(-3)).toEqual(['', 'Tests that ran again after a failure:', '[good] ✓ races 5ms (retry x1)']);
    expect(failures).not.toContain('works');
  });

  it('end also if a process that has left the lane keeps its output open', async () => {
    const file = join(logs, 'has-left');
    const leaves = `setsid sh -c 'echo $$; touch ${file}; exec sleep 300' & until [ -e ${file} ]; do sleep 0.05; done`;
    const { results, printed } = await run([shell('left', leaves)]);
    process.kill(Number(printed[0]?.split(' ').at(-1)));
    expect(results).toMatchObject([{ outcome: 'passed' }]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'end with all of their processes at %s, also those that ignore it, and later lanes do not run',
    async (signal) => {
      const engine = pathToFileURL(join(root, 'scripts/ci/run-lanes.ts')).href;
      const stubborn = `trap '' TERM; sh -c "trap '' TERM; echo child \\$\\$; while :; do sleep 0.1; done"`;
      const lanes = [[shell('stubborn', stubborn), shell('later', 'echo later')]];
      const script = `
        import { runLanes, tableOf } from ${JSON.stringify(engine)};
        const stop = new AbortController();
        process.on(${JSON.stringify(signal)}, () => stop.abort());
        const results = await runLanes(${JSON.stringify(lanes)}, {
          logs: ${JSON.stringify(logs)}, print: console.log, signal: stop.signal, graceMs: 200,
        });
        console.log(tableOf(results));`;
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines: string[] = [];
      const output = createInterface(child.stdout).on('line', (line) => lines.push(line));
      const exit = once(child, 'exit');
      const closed = once(output, 'close');
      await expect.poll(() => lines).toEqual([expect.stringMatching(/^\[stubborn\] child \d+$/)]);
      const pid = lines[0]?.split(' ').at(-1);
      expect(existsSync(`/proc/${pid}`)).toBe(true);
      child.kill(signal);
      await Promise.all([exit, closed]);
      expect(existsSync(`/proc/${pid}`)).toBe(false);
      expect(lines.slice(1).join('\n')).toMatch(
        /stubborn +NOT RUN +\S+ +the run was ended before the end of the lane\n +later +NOT RUN +\S+ +the run was ended$/,
      );
    },
  );
});
