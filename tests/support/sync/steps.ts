import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/** Calls of the file system by file sync, between which another program can change files, or the agent can end. */

const names = [
  ...[
    'chmodSync',
    'fchmodSync',
    'fstatSync',
    'fsyncSync',
    'futimesSync',
    'linkSync',
    'lstatSync',
    'mkdirSync',
    'openSync',
  ],
  ...['readdirSync', 'renameSync', 'rmSync', 'rmdirSync', 'unlinkSync', 'utimesSync'],
] as const;

type Call = (...args: unknown[]) => unknown;

/**
 * Calls `before` before each call of the file system in this process, until the returned function is called. Calls in `before` itself
 * do not count. If `before` throws, the call does not happen.
 */
export function watchSteps(before: (name: string, path: unknown) => void): () => void {
  const originals = Object.fromEntries(names.map((name) => [name, Reflect.get(fs, name) as Call]));
  const { open } = fs.promises;
  let isInside = false;
  const watched =
    (name: string, original: Call): Call =>
    (...args) => {
      if (!isInside) {
        isInside = true;
        try {
          before(name, args[0]);
        } finally {
          isInside = false;
        }
      }
      return original(...args);
    };
  Object.assign(fs, Object.fromEntries(Object.entries(originals).map(([name, call]) => [name, watched(name, call)])));
  // A promise must reject, and not throw.
  Object.assign(fs.promises, { open: async (...args: unknown[]) => watched('open', open as Call)(...args) });
  syncBuiltinESMExports();
  return () => {
    Object.assign(fs, originals);
    Object.assign(fs.promises, { open });
    syncBuiltinESMExports();
  };
}
