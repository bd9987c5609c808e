import { isObject } from '../lib/json.ts';
import { configKeys } from './keys.ts';
import { join, type Reader } from './readers.ts';
import type { Config } from './types.ts';

/** Returns the configuration for a log: `[set]` or `[not set]` in place of each secret. */
export function describeConfig(config: Config): unknown {
  return withoutSecrets(config, configKeys);
}

function withoutSecrets(value: unknown, reader: Reader<unknown> | undefined): unknown {
  if (reader?.isSecret) return isEmpty(value) ? '[not set]' : '[set]';
  if (!reader?.shape || !isObject(value)) return value;
  const { shape } = reader;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withoutSecrets(each, shape[name])]));
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** Returns every key that a file can set, in the order of the table. */
export function keyNames(reader: Reader<unknown> = configKeys, key = ''): string[] {
  if (!reader.shape) return [key];
  return Object.entries(reader.shape).flatMap(([name, inner]) => keyNames(inner, join(key, name)));
}

/** Returns the known key that is closest to a misspelt one, at most two characters away. */
export function similarKey(unknown: string): string | undefined {
  const [best] = keyNames()
    .map((key) => ({ key, distance: editDistance(key, unknown) }))
    .filter(({ distance }) => distance <= 2)
    .sort((one, other) => one.distance - other.distance);
  return best?.key;
}

/** Returns the number of characters to insert, delete or replace (Levenshtein distance). */
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
