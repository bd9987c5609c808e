/**
 * `npm run test:mutations [-- row ...]`: breaks what tests/mutants/mutants.ts lists, one at a time, in a copy of the
 * working tree, and demands that the test named there fails. Says which tests did not notice, and which breakages do not
 * fit the source any more; either makes it fail. Takes a few minutes, and is no part of `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BrokenBehaviour, brokenBehaviours } from './mutants.ts';

const root = join(import.meta.dirname, '../..');
/** A test that hangs has noticed, too. */
const timeoutMs = 180_000;

type Verdict = 'killed' | 'SURVIVED' | 'DOES NOT APPLY' | 'DOES NOT COMPILE';

/** What is in the working tree, committed or not; the packages are those of the original. */
function copyWorkingTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'notebook-sessions-broken-'));
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (listed.status !== 0) throw new Error(`git cannot list the files of ${root}: ${listed.stderr}`);
  for (const file of new Set(listed.stdout.split('\0').filter((name) => /^(src|tests)\/|^[^/]+$/.test(name)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

interface Run {
  readonly failedTests: number;
  readonly failedFiles: number;
  readonly output: string;
}

/** `stopAtFirst`: one failure says enough. */
function runTests(copy: string, files: readonly string[], stopAtFirst: boolean): Run | 'hangs' {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const options = [
    '--project=unit',
    '--project=component',
    '--reporter=json',
    `--outputFile=${report}`,
    ...(stopAtFirst ? ['--bail=1'] : []),
  ];
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const run = spawnSync(process.execPath, [vitest, 'run', ...options, ...files], {
    cwd: copy,
    encoding: 'utf8',
    ...(stopAtFirst ? { timeout: timeoutMs } : {}),
  });
  if (run.signal !== null) return 'hangs';
  const output = `${run.stdout}${run.stderr}`;
  const { numFailedTests, numFailedTestSuites } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
  return { failedTests: numFailedTests ?? 0, failedFiles: numFailedTestSuites ?? 0, output };
}

function breakOne(copy: string, { file, search, replacement, test }: BrokenBehaviour): Verdict {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(search);
  if (parts.length !== 2) return 'DOES NOT APPLY';
  writeFileSync(path, parts.join(replacement));
  try {
    const run = runTests(copy, [test], true);
    if (run === 'hangs' || run.failedTests > 0) return 'killed';
    return run.failedFiles > 0 ? 'DOES NOT COMPILE' : 'SURVIVED';
  } finally {
    writeFileSync(path, source);
  }
}

function main(): number {
  const wanted = new Set(process.argv.slice(2));
  const rows = brokenBehaviours.filter(({ row }) => wanted.size === 0 || wanted.has(row));
  const copy = copyWorkingTree();
  try {
    const whole = runTests(copy, [...new Set(rows.map(({ test }) => test))], false);
    if (whole === 'hangs' || whole.failedTests + whole.failedFiles > 0) {
      process.stderr.write(`The tests fail before anything is broken.\n${whole === 'hangs' ? '' : whole.output}`);
      return 1;
    }
    const counts = new Map<Verdict, number>();
    for (const row of rows) {
      const begin = performance.now();
      const verdict = breakOne(copy, row);
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1).padStart(5);
      process.stdout.write(
        `${row.row.padEnd(7)}${verdict.padEnd(17)}${seconds} s  ${row.what} (${row.file}; ${row.test})\n`,
      );
    }
    process.stdout.write(`${[...counts].map(([verdict, count]) => `${count} ${verdict}`).join(', ')}\n`);
    return counts.get('killed') === rows.length && rows.length > 0 ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

process.exitCode = main();
