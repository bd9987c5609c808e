import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = '/sys/fs/cgroup';
const prefix = 'notebook-sessions-e2e-';

/** Returns the name of a node's cgroup. It contains the process that removes it, so that other runs do not. */
export const cgroupOf = (owner: number, node: number): string => `${prefix}${owner}-${node}`;

/** Creates the cgroup of a node in each hierarchy: one for all controllers (version 2), or one for each (version 1). */
export function createCgroup(name: string): void {
  const controllers = join(root, 'cgroup.controllers');
  if (existsSync(controllers)) {
    // The children of a cgroup have the controllers that it enables for them.
    for (const controller of readFileSync(controllers, 'utf8').trim().split(' '))
      writeFileSync(join(root, 'cgroup.subtree_control'), `+${controller}`);
  }
  for (const hierarchy of hierarchies()) mkdirSync(join(hierarchy, name), { recursive: true });
}

/** Removes the cgroups of runs whose process `isOver`. The kernel needs a moment after the end of their processes. */
export async function removeCgroups(isOver: (owner: number) => boolean): Promise<void> {
  const ofOtherRuns = () =>
    hierarchies().flatMap((hierarchy) =>
      readdirSync(hierarchy)
        .filter((name) => name.startsWith(prefix) && isOver(Number.parseInt(name.slice(prefix.length), 10)))
        .map((name) => join(hierarchy, name)),
    );
  const end = performance.now() + 10_000;
  for (;;) {
    const failures = ofOtherRuns().flatMap(removeTree);
    if (failures.length === 0) return;
    if (performance.now() > end) throw new Error(`Cgroups could not be removed: ${failures.join('; ')}`);
    await delay(100);
  }
}

function removeTree(folder: string): string[] {
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const failures = children.flatMap(({ name }) => removeTree(join(folder, name)));
  try {
    rmdirSync(folder);
  } catch (error) {
    failures.push(String(error));
  }
  return failures;
}

function hierarchies(): string[] {
  if (existsSync(join(root, 'cgroup.procs'))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(root, name));
}
