/**
 * `npm run test:mutations [-- text ...]`: applies each mutant of tests/mutants/mutants.ts, one at a time, to a copy of the
 * working tree, and expects that its test fails. With arguments, only the mutants whose description or file contains one
 * of them are used. Exits with 1 if a mutant survives or does not match the source. Takes a few minutes, and is not part
 * of `npm test`. `--check` only compares the mutants with the source, which takes a second.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Mutant, mutants } from './mutants.ts';

const root = join(import.meta.dirname, '../..');
/** A test that runs longer than this counts as failed. */
const timeoutMs = 180_000;

type Outcome = 'killed' | 'SURVIVED' | 'DOES NOT COMPILE';

/** Copies the files of the working tree, committed or not; the packages are a link to the original ones. */
function copyWorkingTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'notebook-sessions-mutants-'));
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

/** Returns why a mutant cannot be applied, undefined if it can: its text must be in its file exactly once. */
function mistakeIn({ file, search, test }: Mutant): string | undefined {
  if (!existsSync(join(root, test))) return `there is no test file ${test}`;
  if (!existsSync(join(root, file))) return `there is no file ${file}`;
  const times = readFileSync(join(root, file), 'utf8').split(search).length - 1;
  return times === 1 ? undefined : `${file} contains the text to replace ${times} times: ${search}`;
}

interface Run {
  readonly failedTests: number;
  readonly failedFiles: number;
  readonly output: string;
}

/** Runs test files. @param stopAtFirst whether to end at the first failure, and after `timeoutMs`. */
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

function apply(copy: string, { file, search, replacement, test }: Mutant): Outcome {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(path, source.split(search).join(replacement));
  try {
    const run = runTests(copy, [test], true);
    if (run === 'hangs' || run.failedTests > 0) return 'killed';
    return run.failedFiles > 0 ? 'DOES NOT COMPILE' : 'SURVIVED';
  } finally {
    writeFileSync(path, source);
  }
}

function main(): number {
  const words = process.argv.slice(2).filter((word) => word !== '--check');
  const chosen = mutants.filter(
    ({ what, file }) => words.length === 0 || words.some((word) => `${what} ${file}`.includes(word)),
  );
  const mistakes = chosen.flatMap((mutant) => {
    const mistake = mistakeIn(mutant);
    return mistake === undefined ? [] : [`${mutant.what}: ${mistake}\n`];
  });
  if (mistakes.length > 0 || chosen.length === 0) {
    process.stderr.write(
      `${mistakes.join('')}${mistakes.length} of ${chosen.length} mutants do not match the source\n`,
    );
    return 1;
  }
  if (process.argv.includes('--check')) {
    process.stdout.write(`${chosen.length} mutants match the source\n`);
    return 0;
  }
  const copy = copyWorkingTree();
  try {
    const whole = runTests(copy, [...new Set(chosen.map(({ test }) => test))], false);
    if (whole === 'hangs' || whole.failedTests + whole.failedFiles > 0) {
      process.stderr.write(`The tests fail without a mutant.\n${whole === 'hangs' ? '' : whole.output}`);
      return 1;
    }
    const counts = new Map<Outcome, number>();
    for (const mutant of chosen) {
      const begin = performance.now();
      const outcome = apply(copy, mutant);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1).padStart(5);
      process.stdout.write(`${outcome.padEnd(17)}${seconds} s  ${mutant.what} (${mutant.file}; ${mutant.test})\n`);
    }
    process.stdout.write(`${[...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}\n`);
    return counts.get('killed') === chosen.length ? 0 : 1;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

process.exitCode = main();
