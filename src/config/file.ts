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
  /** Whether the file could not be read: `tree` is empty. */
  readonly isCut: boolean;
}

const nothing: ConfigFile = { tree: {}, places: new Map(), errors: [], broken: [], isCut: false };

/** Returns the content of the HOCON file that `CONFIG_FILE` names; an empty tree if `CONFIG_FILE` is not set. */
export function readConfigFile(env: NodeJS.ProcessEnv): ConfigFile {
  const path = env['CONFIG_FILE'];
  if (!path) return nothing;
  const refuse = (reason: string, at?: string): ConfigFile => ({
    ...nothing,
    errors: [{ key: 'CONFIG_FILE', reason, at }],
    isCut: true,
  });
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return refuse(`names a file that cannot be read${code}: ${path}`);
  }
  if (bytes.length > sizeLimit) return refuse(`is larger than ${sizeLimit} bytes`, path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('is not UTF-8', path);
  }
  const { tree, lines, errors, broken, isCut } = parseHocon(text, env);
  if (!isObject(tree)) return refuse('must contain keys and values, not a list', `${path}:1`);
  return {
    tree,
    places: new Map(isCut ? [] : [...lines].map(([key, line]) => [key, `${path}:${line}`])),
    errors: errors.map(({ line, reason, key }) => ({
      key: key ?? '',
      reason: key ? `cannot be read: ${reason}` : reason,
      at: `${path}:${line}`,
    })),
    broken,
    isCut,
  };
}
