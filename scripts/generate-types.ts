/**
 * Writes the types (paths, operations and schemas) of the API documents: openapi.yaml and the contract with the agent of a session.
 * With --check, writes nothing and fails if a file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTypes, { astToString } from 'openapi-typescript';

const root = join(import.meta.dirname, '..');
const documents = {
  'openapi.yaml': 'src/generated/openapi.ts',
  'src/session-contract/agent.openapi.yaml': 'src/generated/agent-api.ts',
};

for (const [source, target] of Object.entries(documents)) {
  const nodes = await openapiTypes(pathToFileURL(join(root, source)), {
    emptyObjectsUnknown: true,
    // Each schema is also exported under its own name.
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    silent: true,
  });
  const text = `/* Generated from ${source} by \`npm run generate\`. Do not edit. */\n\n${astToString(nodes)}`;
  const path = join(root, target);
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
  } else if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`${target} is out of date; run: npm run generate\n`);
    process.exitCode = 1;
  }
}
