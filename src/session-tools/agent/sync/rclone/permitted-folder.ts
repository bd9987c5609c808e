import { realpath } from 'node:fs/promises';
import { hasCode } from '../../../../lib/error-code.ts';
import { RemoteError } from '../remote.ts';
import type { RemotePolicy } from './parameters.ts';

/** Returns the real path of a folder. Throws `rejected` if a link leads out of the folders that the administrator permits. */
export async function permittedFolder(root: string, { localFolders }: RemotePolicy): Promise<string> {
  let real: string;
  try {
    real = await realpath(root);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw new RemoteError('not-found', `The folder ${root} does not exist.`);
    throw error;
  }
  for (const folder of localFolders) {
    const permitted = await realpath(folder).catch(() => undefined);
    if (permitted !== undefined && (real === permitted || real.startsWith(permitted === '/' ? '/' : `${permitted}/`)))
      return real;
  }
  throw new RemoteError('rejected', `The platform does not permit the folder ${root}, which is a link to another one.`);
}
