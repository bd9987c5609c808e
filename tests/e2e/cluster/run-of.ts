import { join } from 'node:path';

/** What `tests/e2e/main.ts` has prepared for a run. */
export interface Run {
  /** Folder with the programs of the cluster. */
  readonly programs: string;
  /** Folder with `NAME/` (the root folder of an image) and `NAME.json` (its configuration). */
  readonly images: string;
  /** The process that removes the cgroups after the run. */
  readonly owner: number;
}

/** Reads the variables that `tests/e2e/main.ts` sets. Throws if it did not start this process. */
export function runOf(env: NodeJS.ProcessEnv): Run {
  const folder = env['E2E_PREPARED'];
  const owner = Number(env['E2E_OWNER']);
  if (!folder || !owner) throw new Error('Start this with `npm run test:e2e`.');
  return { programs: join(folder, 'programs'), images: join(folder, 'images'), owner };
}
