import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';

const retryMs = 200;

/**
 * Runs `action` with an exclusive lock on `file`, and returns its result. Other processes, and other calls in this process,
 * wait for the lock. The lock is SQLite's lock on the file, which the kernel releases when the process ends. `waiting` is called
 * once if the lock is not free.
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
