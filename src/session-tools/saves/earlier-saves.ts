import { stat } from 'node:fs/promises';
import { hasCode } from '../../lib/error-code.ts';
import type { NotSaved } from './not-savable.ts';
import { listStored } from './volume.ts';

/** Returns the saves that only the volume has, and that the work tree does not have completely: no later save has their content. */
export async function nameEarlierSaves(folder: string): Promise<NotSaved[]> {
  const named: NotSaved[] = [];
  for (const { branch, bundle, isUnread, rejection } of await listStored(folder)) {
    if (!isUnread) continue;
    try {
      const { size } = await stat(bundle);
      const message = rejection === null ? {} : { message: rejection };
      named.push({ path: branch, bytes: size, reason: 'earlier-save', ...message });
    } catch (error) {
      // It was pushed meanwhile.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return named;
}
