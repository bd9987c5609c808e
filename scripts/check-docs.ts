/** Paths and links in the documents lead somewhere: a page that names a file which has moved sends its reader astray. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** What stands in backticks and begins with one of our folders is a path. */
const path = /`((?:src|tests|scripts|docs|deploy|bench)\/[\w./-]+)`/g;
const link = /\]\(([^)#\s]+)(?:#[^)]*)?\)/g;

const problems: string[] = [];
for (const document of documents) {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    const named = [...line.matchAll(path)].map(([, name = '']) => join(root, name));
    const linked = [...line.matchAll(link)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => join(root, dirname(document), target));
    for (const target of [...named, ...linked]) {
      if (!existsSync(target)) problems.push(`${document}:${index + 1}: there is no ${target.slice(root.length + 1)}`);
    }
  }
}
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(1);
}
process.stdout.write('paths in the documents exist\n');
