import { readFileSync } from 'node:fs';
import { isObject } from '../lib/json.ts';
import { parseHocon } from './hocon.ts';
import type { ConfigTree, KeyError } from './readers.ts';

/** The limit of the configuration file, in bytes. */
const sizeLimit = 1024 * 1024;

export interface ConfigFile {
  readonly tree: ConfigTree;
  /** The file and line of each key: `.config.hocon:12`. */
  readonly places: ReadonlyMap<string, string>;
  readonly errors: readonly KeyError[];
  /** Keys that have an error in `errors`. */
  readonly broken: readonly string[];
  /** True if the file could not be read. Then `tree` is empty. */
  readonly isUnreadable: boolean;
}

const emptyFile: ConfigFile = { tree: {}, places: new Map(), errors: [], broken: [], isUnreadable: false };

/** Returns the content of the HOCON file that `CONFIG_FILE` names; an empty tree if `CONFIG_FILE` is not set. */
export function readConfigFile(env: NodeJS.ProcessEnv): ConfigFile {
  const path = env['CONFIG_FILE'];
  if (!path) return emptyFile;
  const unreadable = (reason: string, at?: string): ConfigFile => ({
    ...emptyFile,
    errors: [{ key: 'CONFIG_FILE', reason, at }],
    isUnreadable: true,
  });
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return unreadable(`names a file that cannot be read${code}: ${path}`);
  }
  if (bytes.length > sizeLimit) return unreadable(`is larger than ${sizeLimit} bytes`, path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return unreadable('is not UTF-8', path);
  }
  const { tree, lines, errors, broken, isUnreadable } = parseHocon(text, env);
  if (!isObject(tree)) return unreadable('must contain keys and values, not a list', `${path}:1`);
  return {
    tree,
    places: new Map(isUnreadable ? [] : [...lines].map(([key, line]) => [key, `${path}:${line}`])),
    errors: errors.map(({ line, reason, key }) => ({
      key: key ?? '',
      reason: key ? `cannot be read: ${reason}` : reason,
      at: `${path}:${line}`,
    })),
    broken,
    isUnreadable,
  };
}
