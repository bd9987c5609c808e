/** Checks that the paths and links in the documents exist, and that the README's tables have a row for every dependency. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
/** Text in backticks that begins with a folder of the repository is a path. */
const path = /`((?:src|tests|scripts|docs|bench|helm-chart)\/[\w./-]+)`/g;
const link = /\]\(([^)#\s]+)(?:#[^)]*)?\)/g;

const errors: string[] = [];
for (const document of documents) {
  const lines = readFileSync(join(root, document), 'utf8').split('\n');
  for (const [index, line] of lines.entries()) {
    const named = [...line.matchAll(path)].map(([, name = '']) => join(root, name));
    const linked = [...line.matchAll(link)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => join(root, dirname(document), target));
    for (const target of [...named, ...linked]) {
      if (!existsSync(target)) errors.push(`${document}:${index + 1}: ${target.slice(root.length + 1)} does not exist`);
    }
  }
}

/** The packages in the first column of the tables under "Dependencies". */
const [, section = ''] = readFileSync(join(root, 'README.md'), 'utf8').split(/^## Dependencies$/m);
const listed = [...section.matchAll(/^\| (?!Package |-)([^|]+) \|/gm)].flatMap(([, names = '']) => names.split(', '));
const required = [packageJson.dependencies, packageJson.devDependencies, packageJson.optionalDependencies].flatMap(
  Object.keys,
);
for (const name of required.filter((each) => !listed.includes(each))) {
  errors.push(`README.md: the tables under "Dependencies" have no row for ${name}`);
}
for (const name of listed.filter((each) => !required.includes(each))) {
  errors.push(`README.md: "Dependencies" has a row for ${name}, which package.json does not have`);
}

if (errors.length > 0) {
  process.stderr.write(`${errors.join('\n')}\n`);
  process.exit(1);
}
process.stdout.write('the paths in the documents exist, and every dependency has its row in the README\n');
