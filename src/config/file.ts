import { readFileSync } from 'node:fs';
import { parseHocon } from './hocon.ts';
import { type ConfigProblem, type ConfigTree, isRecord } from './readers.ts';

/** Of the configuration file, bytes. */
const sizeLimit = 1024 * 1024;

export interface ConfigFile {
  readonly tree: ConfigTree;
  /** Where a key of the tree stands: `.config.hocon:12`. */
  readonly places: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
  /** Keys of which the problems tell already. */
  readonly broken: readonly string[];
  /** Nothing of the file could be read. */
  readonly isCut: boolean;
}

const nothing: ConfigFile = { tree: {}, places: new Map(), problems: [], broken: [], isCut: false };

/** The HOCON file that `CONFIG_FILE` names; nothing where it names none. */
export function readConfigFile(env: NodeJS.ProcessEnv): ConfigFile {
  const path = env['CONFIG_FILE'];
  if (!path) return nothing;
  const refuse = (reason: string, at?: string): ConfigFile => ({
    ...nothing,
    problems: [{ key: 'CONFIG_FILE', reason, at }],
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
  const { tree, lines, problems, broken, isCut } = parseHocon(text, env);
  if (!isRecord(tree)) return refuse('is a list where keys with values are due', `${path}:1`);
  return {
    tree,
    places: new Map(isCut ? [] : [...lines].map(([key, line]) => [key, `${path}:${line}`])),
    problems: problems.map(({ line, reason, key }) => ({
      key: key ?? '',
      reason: key ? `cannot be read: ${reason}` : reason,
      at: `${path}:${line}`,
    })),
    broken,
    isCut,
  };
}
