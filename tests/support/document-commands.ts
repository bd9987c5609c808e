import { spawnSync } from 'node:child_process';

/** A block of code of a document. */
export interface Block {
  /** The word after the fence: sh, yaml, json. */
  readonly language: string;
  /** The second word after the fence, for example where the commands can run. */
  readonly needs: string | undefined;
  readonly text: string;
}

/** Returns the blocks of code of a document in Markdown, also those in lists, without their indentation. */
export function blocksOf(document: string): Block[] {
  return [...document.matchAll(/^( *)```(\w+)(?: (\w+))?\n(.*?)^\1```$/gms)].map(
    ([, indentation = '', language = '', needs, text = '']) => ({
      language,
      needs,
      text: text.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
    }),
  );
}

export interface Ran {
  /** The printed text. */
  readonly output: string;
  /** The exit code of its last command. */
  readonly exitCode: number;
}

/**
 * Runs the blocks in one shell, in their order. Returns a result for each block, and everything that they printed on standard
 * error. Throws if the shell ended before the last block: with the flag -e, at the first command that fails.
 */
export function runBlocks(
  blocks: readonly string[],
  options: { env: NodeJS.ProcessEnv; cwd?: string; timeoutMs: number; flags?: readonly string[] },
): { ran: Ran[]; stderr: string } {
  const end = '<<< end of a block: ';
  const script = blocks.map((block) => `${block}printf '%s%s\\n' '${end}' "$?"\n`).join('');
  // --norc: if the input is a socket, bash reads the configuration of interactive shells, as for a remote shell.
  const { stdout, stderr, error } = spawnSync('bash', ['--norc', '-u', ...(options.flags ?? []), '-c', script], {
    env: options.env,
    cwd: options.cwd,
    encoding: 'utf8',
    timeout: options.timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  const parts = [...stdout.matchAll(new RegExp(`(.*?)^${end}(\\d+)$`, 'gms'))];
  if (parts.length !== blocks.length) throw new Error(`the shell ended early:\n${stdout}${stderr}`);
  return { ran: parts.map(([, output = '', exitCode]) => ({ output, exitCode: Number(exitCode) })), stderr };
}
