import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { RcloneFailure } from './failure.ts';

const installMs = 10 * 60_000;
const maxOutput = 4_000;

export interface ProgramSettings {
  /** The path or the name of rclone. */
  readonly rclone: string;
  /** A command that installs rclone if necessary, and prints its path as the last line; undefined: `rclone` is installed. */
  readonly install: readonly string[] | undefined;
}

/** Returns a function that returns the path of rclone. It installs rclone at the first call where necessary; later calls try again. */
export function createProgram(
  { rclone, install }: ProgramSettings,
  variables: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
): () => Promise<string> {
  let found: Promise<string> | undefined;
  return async () => {
    if (!install) return rclone;
    found ??= runInstall(install, variables, log);
    try {
      return await found;
    } catch (error) {
      found = undefined;
      throw error;
    }
  };
}

async function runInstall(
  [program = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
  log: (line: string) => void,
): Promise<string> {
  const child = spawn(program, args, {
    env: { ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: installMs,
  });
  let last = '';
  let errors = '';
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('/')) last = line;
    else log(line);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-maxOutput);
  });
  const [code] = await once(child, 'close');
  if (code === 0 && last !== '') return last;
  throw new RcloneFailure(errors.trim() || `rclone could not be installed (${String(code)})`);
}
