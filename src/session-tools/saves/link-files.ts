import { copyFile, link, mkdir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { kindOf } from '../git-clone/files.ts';

/** Links all regular files of a folder, and of its folders, into another folder: needs no space. Returns their number. */
export async function linkFiles(from: string, to: string): Promise<number> {
  if ((await kindOf(from)) !== 'directory') return 0;
  await mkdir(to, { recursive: true, mode: 0o700 });
  let files = 0;
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) files += await linkFiles(source, target);
    else if (entry.isFile()) {
      await linkFile(source, target);
      files++;
    }
  }
  return files;
}

async function linkFile(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'EXDEV', 'EPERM', 'EMLINK', 'EACCES', 'ENOTSUP')) throw error;
    await copyFile(from, `${to}.new`);
    await rename(`${to}.new`, to);
  }
}
