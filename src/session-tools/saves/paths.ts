import { isObject } from '../../lib/json.ts';

/**
 * A relative path in a repository, as bytes: each character is one byte (`latin1`), because names of files need not be UTF-8.
 */
export type RepositoryPath = string;

/** Returns the path for people; bytes that are not UTF-8 are replaced. */
export const toText = (path: RepositoryPath): string => Buffer.from(path, 'latin1').toString();

export const fromText = (text: string): RepositoryPath => Buffer.from(text).toString('latin1');

/** Returns the path of the file in `directory` for the functions of `node:fs`. */
export const toFile = (directory: string, path: RepositoryPath): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, 'latin1')]);

/** How JSON contains a path: as text, or in base64 if the path is not UTF-8. */
export type WrittenPath = string | { readonly base64: string };

export function writePath(path: RepositoryPath): WrittenPath {
  const text = toText(path);
  return fromText(text) === path ? text : { base64: Buffer.from(path, 'latin1').toString('base64') };
}

/** Returns undefined for what is not a written path, or not a relative path in a repository. */
export function readPath(value: unknown): RepositoryPath | undefined {
  const base64 = isObject(value) ? value['base64'] : undefined;
  const path =
    typeof value === 'string'
      ? fromText(value)
      : typeof base64 === 'string'
        ? Buffer.from(base64, 'base64').toString('latin1')
        : '';
  const parts = path.split('/');
  return path.includes('\0') || parts.some((part) => part === '' || part === '.' || part === '..') ? undefined : path;
}
