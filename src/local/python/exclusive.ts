import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';

const retryMs = 200;

/**
 * Runs `action` while no other process (and no other call in this one) runs one for the same `file`. The lock is
 * SQLite's on that file: the kernel takes it away with the process, so an interrupted install leaves none behind.
 * `waiting` is called once, when somebody else has it.
 */
export async function exclusively<Result>(
  file: string,
  signal: AbortSignal,
  waiting: () => void,
  action: () => Promise<Result>,
): Promise<Result> {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA busy_timeout = 0');
    for (let attempt = 0; !take(lock); attempt += 1) {
      if (attempt === 0) waiting();
      await wait(retryMs, undefined, { signal });
    }
    return await action();
  } finally {
    lock.close();
  }
}

function take(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && /locked|busy/i.test(error.message)) return false;
    throw error;
  }
}
