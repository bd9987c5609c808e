/** Checks tests/README.md: every row of its tables names tests that exist, as `file` or `file`: "name"; "name". */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'tests/README.md'), 'utf8');

/** In a table, one `file` and the names after it. */
const reference = /`([^`]+\.test\.ts)`((?:[:;] "[^"]+")*)/g;
const tableHead = '| What | Tests |';

const mistakes: string[] = [];
const behaviours = new Set<string>();
let names = 0;

/** Returns whether the file has a test, or a group of tests, with this name: the first argument of its function. */
function hasTest(file: string, name: string): boolean {
  const text = readFileSync(join(root, file), 'utf8');
  const quoted = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`\\(\\s*(['"\`])${quoted}\\1,\\s`).test(text);
}

function checkTests(where: string, tests: string): void {
  const found = [...tests.matchAll(reference)];
  if (found.length === 0 && !/^ Not here: \S/.test(tests)) {
    mistakes.push(`${where}: the row names no test, and no reason ("Not here: ...")`);
  }
  if (found.length !== tests.split('`').length >> 1) mistakes.push(`${where}: the row names a file that is not a test`);
  for (const [, file = '', list = ''] of found) {
    if (!existsSync(join(root, file))) {
      mistakes.push(`${where}: ${file} does not exist`);
      continue;
    }
    for (const [, name = ''] of list.matchAll(/"([^"]+)"/g)) {
      names += 1;
      if (!hasTest(file, name)) mistakes.push(`${where}: ${file} has no test "${name}"`);
    }
  }
}

function checkRow(where: string, line: string): void {
  const [row, what = '', tests = ''] = /^\|([^|]*)\|([^|]*)\|$/.exec(line) ?? [];
  if (row === undefined) {
    mistakes.push(`${where}: a row must have two cells`);
    return;
  }
  const behaviour = what.trim();
  if (behaviour === '') mistakes.push(`${where}: the row does not say which behaviour it is about`);
  else if (behaviours.has(behaviour)) mistakes.push(`${where}: there are two rows "${behaviour}"`);
  behaviours.add(behaviour);
  checkTests(where, tests);
}

let inTable = false;
page.split('\n').forEach((line, index) => {
  if (line === tableHead) inTable = true;
  else if (!line.startsWith('|')) inTable = false;
  else if (inTable && !/^[|-]+$/.test(line)) checkRow(`tests/README.md:${index + 1}`, line);
});
if (behaviours.size === 0) mistakes.push(`tests/README.md: there is no table that begins with "${tableHead}"`);

if (mistakes.length > 0) {
  process.stderr.write(`${mistakes.join('\n')}\n${mistakes.length} mistakes in the map of the tests\n`);
  process.exit(1);
}
process.stdout.write(`the map of the tests is right: ${behaviours.size} rows, ${names} tests by name\n`);
