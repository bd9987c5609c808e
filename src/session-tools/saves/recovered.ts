import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { components } from '../../generated/agent-api.ts';
import { asObject, parseJson } from '../../lib/json.ts';
import { recoveryFile } from '../../session-contract/agent.ts';
import { textOf } from './repository.ts';
import { isText, type Memory, type Owned, ownedIn, readMemory, writeMemory } from './volume.ts';

type Recovered = Exclude<components['schemas']['Work']['recovered'], undefined>;

/** The report of `git-clone` after the agent has read it. */
export const takenFile = 'recovered.json';
const maxOthers = 100;

/**
 * Adds the save that `git-clone` has recovered completely and not deleted to the memory: the agent deletes it when a later save, or a
 * push, has its content. Another one is removed from the memory: an earlier work tree, which is gone, may have saved it. This happens once,
 * because a later save may replace the branch.
 */
export async function takeOverRecovered(folder: string): Promise<void> {
  const report = await readReport(folder);
  if (!report) return;
  const { recovered, isComplete, isDeleted } = report;
  if (recovered) {
    const memory = await readMemory(folder);
    const others = memory.owned.filter(({ branch }) => branch !== recovered.branch);
    const isOwned = isComplete === true && isDeleted === false;
    await writeMemory(folder, { ...memory, owned: isOwned ? [...others, recovered] : others });
  }
  await rename(join(folder, recoveryFile), join(folder, takenFile));
}

/**
 * Returns what `git-clone` reports about a recovery; undefined if there is no report.
 * @param file `takenFile` after the agent has taken the recovery over
 */
export async function readReport(
  folder: string,
  file = recoveryFile,
): Promise<{ recovered: Owned | undefined; isComplete: unknown; isDeleted: unknown } | undefined> {
  const text = await textOf(join(folder, file));
  if (text === undefined) return undefined;
  const { isComplete, isDeleted, ...save } = asObject(asObject(parseJson(text))?.['recovered']) ?? {};
  return { recovered: ownedIn([save])[0], isComplete, isDeleted };
}

/** Returns what `git-clone` has recovered; null if it has recovered nothing, or if the file, which the user can change, is invalid. */
export async function readRecovered(folder: string, { owned }: Memory): Promise<Recovered> {
  const report = asObject(parseJson((await textOf(join(folder, takenFile))) ?? '{}'));
  const recovered = asObject(report?.['recovered']);
  const [save] = recovered ? ownedIn([recovered]) : [];
  if (!recovered || !save) return null;
  const { savedAt, isComplete, isDeleted, error } = recovered;
  return {
    ...save,
    savedAt: isText(savedAt) && !Number.isNaN(Date.parse(savedAt)) ? new Date(savedAt).toISOString() : null,
    isComplete: isComplete === true,
    error: isText(error) ? error : null,
    isDeleted: isDeleted === true || (isComplete === true && !owned.some(({ commit }) => commit === save.commit)),
    others: ownedIn(report?.['others'])
      .slice(0, maxOthers)
      .map(({ branch }) => branch),
  };
}
