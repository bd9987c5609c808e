import { appendFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { kindOf } from './files.ts';
import type { Log } from './log.ts';

/** Name of the link, as in renku-notebooks. */
const name = 'cloudstorage';

/** Links the folder with the session's buckets into the repository, which ignores the link. Files with that name are not replaced. */
export async function linkStorage(repository: string, folder: string, log: Log): Promise<void> {
  const link = join(repository, name);
  if ((await kindOf(link)) !== undefined) {
    log(`WARNING: the repository has a file or folder "${name}", so the session's buckets are only in ${folder}.`);
    return;
  }
  await symlink(folder, link);
  await mkdir(join(repository, '.git/info'), { recursive: true });
  await appendFile(join(repository, '.git/info/exclude'), `/${name}\n`);
}
