import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** How an image starts its program. */
export interface ImageCommand {
  /** The options of Node.js, and with the path of the program. */
  readonly options: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Returns the arguments of Node.js and the variables of a target of the Dockerfile, so that measurements are those of the image.
 * The files are in a folder that this process removes when it exits.
 */
export function imageCommand(target: 'service' | 'operator'): ImageCommand {
  const { options, program, env } = commandIn(readFileSync(join(root, 'Dockerfile'), 'utf8'), target);
  files ??= emitted();
  // The image has no folder for a cache of compiled code.
  return { options, args: [...options, join(files, program)], env: { ...env, NODE_DISABLE_COMPILE_CACHE: '1' } };
}

/** Returns the options of Node.js, the program and the variables of a target. Throws an Error if the Dockerfile has none. */
export function commandIn(dockerfile: string, target: string) {
  const stageOf = (name: string) =>
    dockerfile.split(/^FROM /m).find((stage) => stage.split('\n')[0]?.endsWith(` AS ${name}`)) ?? '';
  const entrypoint = /^ENTRYPOINT (\[.*\])$/m.exec(stageOf(target))?.[1];
  const [program, ...options] = (JSON.parse(entrypoint ?? '[]') as string[])
    .slice(1)
    .filter((each) => each !== '--' && !each.endsWith('/node'))
    .reverse();
  if (program === undefined) throw new Error(`the Dockerfile has no ENTRYPOINT of ${target}`);
  const variables = ['programs', target].flatMap((name) => /^ENV (.*)$/m.exec(stageOf(name))?.[1]?.split(' ') ?? []);
  const env = Object.fromEntries(variables.map((each) => each.split('=') as [string, string]));
  return { options: options.reverse(), program, env };
}

let files: string | undefined;

function emitted(): string {
  const folder = mkdtempSync(join(tmpdir(), 'notebook-sessions-program-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const emit = join(root, 'scripts/emit-javascript.ts');
  execFileSync(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    emit,
    join(root, 'src'),
    join(folder, 'src'),
  ]);
  for (const name of ['node_modules', 'openapi.yaml', 'package.json'])
    symlinkSync(join(root, name), join(folder, name));
  return folder;
}
