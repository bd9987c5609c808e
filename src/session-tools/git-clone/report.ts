import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { agentFolder, type RecoveryReport, recoveryFile } from '../../session-contract/agent.ts';
import { takenFile } from '../saves/recovered.ts';
import { writePrivate } from '../saves/volume.ts';

/** Returns the folder of the agent, beside the repository. */
export const folderOfAgent = (directory: string): string => join(dirname(directory), agentFolder);

/**
 * Writes the report for the agent. Without a recovery, removes that of an earlier run that was interrupted: the agent would delete an
 * autosave that was not restored.
 */
export async function writeReport(directory: string, report: RecoveryReport | undefined): Promise<void> {
  const folder = folderOfAgent(directory);
  if (report) await writePrivate(folder, recoveryFile, `${JSON.stringify(report)}\n`);
  else for (const name of [recoveryFile, takenFile]) await rm(join(folder, name), { force: true });
}
