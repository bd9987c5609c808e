import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** The longest path of a Unix socket in bytes (unix(7)). */
const longest = 107;

/**
 * Calls `connect` with a path of the socket that is short enough, and returns its result. A longer path leads through a descriptor of
 * this process, which is open until then.
 */
export async function withSocketPath<Result>(
  path: string,
  connect: (path: string) => Promise<Result>,
): Promise<Result> {
  if (Buffer.byteLength(path) <= longest) return await connect(path);
  await using folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return await connect(`/proc/self/fd/${folder.fd}/${basename(path)}`);
}
