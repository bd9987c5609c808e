import parseBraces from 'hocon-parser';
import { isRecord } from '../readers.ts';
import type { Path } from './expressions.ts';

/** A key of the file, with the numbers of the statements about it, in the order of the file, and the keys in it. */
export interface KeyTree {
  readonly statements: readonly number[];
  readonly children: ReadonlyMap<string, KeyTree>;
}

/*
 * hocon-parser does here what it does right: it reads nested braces and unites groups of the same name. It gets no text
 * of the file. Given one, it evaluates `${...}` as JavaScript, follows `__proto__`, drops slashes, and forgets the value
 * that `port = ${?PORT}` should fall back to; so keys reach it as hexadecimal digits and values as the numbers of their
 * statements, each under a key of its own, so that there is nothing that it could merge wrongly. What a value is, and
 * which one wins, is decided in expressions.ts and resolve.ts. To do without the package, `nest` would put the
 * statements into a tree by their paths.
 */

export const openGroups = (path: Path): string => path.map((name) => `k${Buffer.from(name).toString('hex')}{`).join('');

export const closeGroups = (count: number): string => '}'.repeat(count);

export const statementIn = (number: number): string => `n${number}:${number},`;

/** The groups that the functions above have written. */
export function nest(groups: string): KeyTree {
  return treeOf(parseBraces(`{${groups}}`));
}

function treeOf(parsed: unknown): KeyTree {
  const statements: number[] = [];
  const children = new Map<string, KeyTree>();
  for (const [key, value] of isRecord(parsed) ? Object.entries(parsed) : []) {
    if (typeof value === 'number') statements.push(value);
    else children.set(Buffer.from(key.slice(1), 'hex').toString(), treeOf(value));
  }
  return { statements: statements.sort((one, other) => one - other), children };
}
