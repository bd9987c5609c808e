import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { output } from './run.ts';
import type { Scratch } from './scratch.ts';

/** Creates a branch in the scratch repository. */
export async function writeBranch({ directory }: Scratch, branch: string, commit: string): Promise<void> {
  const file = join(directory, 'refs', 'heads', branch);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${commit}\n`);
}

/** Creates a file with the commits of the branch that no remote-tracking branch has. Returns its path. */
export async function bundle({ git }: Scratch, branch: string, folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.bundle`);
  await output(git, ['bundle', 'create', '--quiet', file, `refs/heads/${branch}`, '--not', '--remotes']);
  return file;
}
