import parseBraces from 'hocon-parser';
import { isObject } from '../../lib/json.ts';
import type { Path } from './syntax.ts';

/** A key: the numbers of its statements in the order of the file, and the keys inside it. */
export interface KeyTree {
  readonly statements: readonly number[];
  readonly children: ReadonlyMap<string, KeyTree>;
}

/*
 * hocon-parser reads nested braces and unites groups of the same name. It never receives text of the file: it evaluates
 * `${...}` as JavaScript, follows `__proto__`, drops slashes, merges lists by index and loses the default of `port = ${?PORT}`.
 * Keys are passed to it as hexadecimal digits and values as statement numbers, each under a separate key, so that it has
 * nothing to merge. scalars.ts and resolve.ts decide what a value is and which value is used. To remove the package, build the
 * tree from the paths of the statements.
 */

/** Returns `content` inside the groups of `path`. */
export const inGroups = (path: Path, content: string): string =>
  `${path.map((name) => `k${Buffer.from(name).toString('hex')}{`).join('')}${content}${'}'.repeat(path.length)}`;

export const numbered = (statement: number): string => `n${statement}:${statement},`;

/** Returns the tree from text that the functions above have written. */
export function nest(nested: string): KeyTree {
  return treeOf(parseBraces(`{${nested}}`));
}

function treeOf(parsed: unknown): KeyTree {
  const statements: number[] = [];
  const children = new Map<string, KeyTree>();
  for (const [key, value] of isObject(parsed) ? Object.entries(parsed) : []) {
    if (typeof value === 'number') statements.push(value);
    else children.set(Buffer.from(key.slice(1), 'hex').toString(), treeOf(value));
  }
  return { statements: statements.sort((one, other) => one - other), children };
}
