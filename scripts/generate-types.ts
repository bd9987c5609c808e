/**
 * Writes the types of openapi.yaml (paths, operations and schemas) to src/generated/openapi.ts. With --check, writes
 * nothing and fails if the file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTypes, { astToString } from 'openapi-typescript';

const root = join(import.meta.dirname, '..');
const target = join(root, 'src/generated/openapi.ts');

async function generate(): Promise<string> {
  const nodes = await openapiTypes(pathToFileURL(join(root, 'openapi.yaml')), {
    emptyObjectsUnknown: true,
    // Each schema is also exported under its own name.
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    silent: true,
  });
  return `/* Generated from openapi.yaml by \`npm run generate\`. Do not edit. */\n\n${astToString(nodes)}`;
}

const text = await generate();
if (!process.argv.includes('--check')) {
  writeFileSync(target, text);
} else if (readFileSync(target, 'utf8') !== text) {
  process.stderr.write('src/generated/openapi.ts is out of date; run: npm run generate\n');
  process.exitCode = 1;
}
