/**
 * Copies a folder of sources and replaces its TypeScript by JavaScript: `node scripts/emit-javascript.ts src build/src`. The images
 * contain the result, because the part of Node.js that removes types at each start takes 27 MiB of memory (measured). Lines and columns
 * stay the same, so stack traces name the places in the source.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

/** A relative import of a TypeScript file, also one by `import()` or `export ... from`. */
const typeScriptImport = /((?:\bfrom|\bimport)\s*\(?\s*)'(\.[^'\n]+)\.ts'/g;

const [source, target] = process.argv.slice(2);
if (source === undefined || target === undefined) throw new Error('usage: emit-javascript.ts SOURCE TARGET');
emit(source, target);

/** Writes the JavaScript of `source` to `target`. Throws an Error if an imported file does not exist. */
function emit(source: string, target: string): void {
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith('.test.ts')) continue;
    const from = join(entry.parentPath, entry.name);
    const to = join(target, relative(source, from));
    mkdirSync(dirname(to), { recursive: true });
    if (from.endsWith('.ts')) writeFileSync(to.replace(/\.ts$/, '.js'), javaScriptOf(from));
    else cpSync(from, to);
  }
}

function javaScriptOf(file: string): string {
  const code = stripTypeScriptTypes(readFileSync(file, 'utf8'));
  return code.replaceAll(typeScriptImport, (_all, before: string, path: string) => {
    const imported = resolve(dirname(file), `${path}.ts`);
    if (!existsSync(imported)) throw new Error(`${file} imports ${imported}, which does not exist`);
    return `${before}'${path}.js'`;
  });
}
