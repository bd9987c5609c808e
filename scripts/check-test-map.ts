/** Holds tests/README.md: every row of its tables names tests that exist, as `file` or `file`: "name"; "name". */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'tests/README.md'), 'utf8');

/** In a table, one `file` and the names after it. */
const reference = /`([^`]+\.test\.ts)`((?:[:;] "[^"]+")*)/g;

const problems: string[] = [];
const rows = new Set<string>();
let names = 0;

/** A test, or a group of tests, is written as the first argument of its function. */
function holdsTest(file: string, name: string): boolean {
  const text = readFileSync(join(root, file), 'utf8');
  const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\(\\s*(['"\`])${quoted}\\1,\\s`).test(text);
}

page.split('\n').forEach((line, index) => {
  const where = `tests/README.md:${index + 1}`;
  const [, row, what, tests = ''] = /^\| ((?:P\.[A-G]|[ABR])\d[\d.]*[a-z]?) \|([^|]*)\|([^|]*)\|$/.exec(line) ?? [];
  if (row === undefined) {
    if (/^\| (?:P\.[A-G]|[ABR])\d/.test(line)) problems.push(`${where}: a row must have three cells`);
    return;
  }
  if (rows.has(row)) problems.push(`${where}: ${row} is there twice`);
  rows.add(row);
  if (what?.trim() === '') problems.push(`${where}: ${row} does not say what it is`);
  const found = [...tests.matchAll(reference)];
  if (found.length === 0 && !/^ Not here: \S/.test(tests)) {
    problems.push(`${where}: ${row} names no test, and no reason ("Not here: ...")`);
  }
  if (found.length !== tests.split('`').length >> 1) problems.push(`${where}: ${row} names what is no test file`);
  for (const [, file = '', list = ''] of found) {
    if (!existsSync(join(root, file))) {
      problems.push(`${where}: there is no ${file}`);
      continue;
    }
    for (const [, name = ''] of list.matchAll(/"([^"]+)"/g)) {
      names += 1;
      if (!holdsTest(file, name)) problems.push(`${where}: ${file} has no test "${name}"`);
    }
  }
});

if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n${problems.length} mistakes in the map of the tests\n`);
  process.exit(1);
}
process.stdout.write(`the map of the tests is right: ${rows.size} rows, ${names} tests by name\n`);
