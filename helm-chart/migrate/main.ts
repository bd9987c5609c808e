import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { isObject } from '../../src/lib/json.ts';
import { convertValues } from './convert.ts';

const usage = `usage: migrate-values [--key NAME] FILE

Prints the values of this chart for a values file of renku-notebooks 1.18.1 on standard output, and what has no counterpart
on standard error. With --key notebooks, reads and prints the values under that key, as in the file of an umbrella chart.
`;

/** Returns the exit code. */
function main(args: readonly string[]): number {
  const [first, second, third, ...more] = args;
  const [key, file] = first === '--key' ? [second, third] : [undefined, first];
  if (!file || (first === '--key' ? more.length > 0 : args.length > 1) || file.startsWith('-')) {
    process.stderr.write(usage);
    return 2;
  }
  const document: unknown = parse(readFileSync(file, 'utf8'), { merge: true });
  const original = key !== undefined && isObject(document) ? document[key] : document;
  if (!isObject(original)) {
    process.stderr.write(
      key === undefined ? `${file} is not a map of values\n` : `${file} has no values under ${key}\n`,
    );
    return 1;
  }
  const shared =
    key !== undefined && isObject(document) && isObject(document['global']) ? { global: document['global'] } : {};
  const { values, notes } = convertValues({ ...shared, ...original });
  const { global, ...own } = values;
  const printed = key === undefined ? values : { ...(global === undefined ? {} : { global }), [key]: own };
  process.stdout.write(stringify(printed, { lineWidth: 0 }));
  process.stderr.write(`${notes.map((note) => `- ${note}`).join('\n')}\n`);
  return 0;
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`The values cannot be converted: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
