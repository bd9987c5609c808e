import { configKeys } from './keys.ts';
import { isRecord, join, type Reader } from './readers.ts';
import type { Config } from './types.ts';

/** The configuration for a log: of each secret, only whether it is set. */
export function describeConfig(config: Config): unknown {
  return withoutSecrets(config, configKeys);
}

function withoutSecrets(value: unknown, reader: Reader<unknown> | undefined): unknown {
  if (reader?.isSecret) return value === null || value === '' ? '[not set]' : '[set]';
  if (!reader?.shape || !isRecord(value)) return value;
  const { shape } = reader;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutSecrets(each, shape[name])]));
}

/** Every key that a file can set, in the order of the table. */
export function keyNames(reader: Reader<unknown> = configKeys, key = ''): string[] {
  if (!reader.shape) return [key];
  return Object.entries(reader.shape).flatMap(([name, inner]) => keyNames(inner, join(key, name)));
}

/** The known key that differs least from a misspelt one, if it differs by no more than two characters. */
export function similarKey(unknown: string): string | undefined {
  const [best] = keyNames()
    .map((key) => ({ key, distance: editDistance(key, unknown) }))
    .filter(({ distance }) => distance <= 2)
    .sort((one, other) => one.distance - other.distance);
  return best?.key;
}

/** Characters to insert, delete or replace (Levenshtein). */
function editDistance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > 2) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, character] of [...one].entries()) {
    const above = row;
    row = [index + 1];
    for (let column = 0; column < other.length; column += 1) {
      const replaced = (above[column] ?? 0) + (other[column] === character ? 0 : 1);
      row.push(Math.min(replaced, (above[column + 1] ?? 0) + 1, (row[column] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}
