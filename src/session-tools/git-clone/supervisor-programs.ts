import { cp } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The programs of the supervisor: in the image, and in the source tree. */
const programs = join(import.meta.dirname, '../../../session-python');
/** What Python and the tests of the source tree add. */
const isProgram = (path: string): boolean => !['__pycache__', 'tests'].includes(basename(path));

/** Copies the programs of the supervisor to a folder that the container of Jupyter has, too. */
export async function copySupervisorPrograms(folder: string): Promise<void> {
  await cp(programs, folder, { recursive: true, filter: isProgram });
}
