/**
 * Counts the type assertions (`as`, `<T>value`, `value!`) in the production code, from the compiler's syntax tree, and
 * fails if there are more than `limit`. `as const` does not count. With --list, prints each of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** The number that the code has reached: lower it with each assertion that goes, never raise it. */
const limit = 7;

const root = join(import.meta.dirname, '..');

function* productionFiles(): Generator<string> {
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    const { name, parentPath } = entry;
    if (entry.isFile() && name.endsWith('.ts') && !name.endsWith('.test.ts')) yield join(parentPath, name);
  }
}

const isAssertion = (node: ts.Node): boolean =>
  (ts.isAsExpression(node) && !ts.isConstTypeReference(node.type)) ||
  ts.isTypeAssertionExpression(node) ||
  ts.isNonNullExpression(node);

/** Returns `file:line: text` for each assertion in the file. */
function assertionsIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (isAssertion(node)) {
      const start = node.getStart(source);
      const line = source.getLineAndCharacterOfPosition(start).line + 1;
      found.push(`${relative(root, file)}:${line}: ${source.text.slice(start, node.end).replaceAll(/\s+/g, ' ')}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const found = [...productionFiles()].flatMap(assertionsIn);
const isTooMany = found.length > limit;
if (isTooMany || process.argv.includes('--list')) process.stdout.write(`${found.join('\n')}\n`);
if (isTooMany) {
  process.stderr.write(
    `${found.length} type assertions in src, at most ${limit} are allowed: use a guard or a better type\n`,
  );
  process.exitCode = 1;
} else {
  process.stdout.write(`${found.length} type assertions in src (limit: ${limit})\n`);
}
