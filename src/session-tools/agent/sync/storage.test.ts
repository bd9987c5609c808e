import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStorage, type Storage } from './storage.ts';

let folder: string;
let storage: Storage;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-storage-'));
  storage = openStorage(folder, 'docs');
});
afterEach(() => {
  storage.close();
  rmSync(folder, { recursive: true, force: true });
});

it('transfers no file for which the volume has no space beside those that are being transferred', async () => {
  const { bavail, bsize } = statfsSync(folder);
  const most = Math.floor(bavail * bsize * 0.6);
  const second = () => storage.staged(most, async () => 'second');
  await expect(storage.staged(bavail * bsize * 2, async () => 'too large')).rejects.toMatchObject({
    reason: 'disk-full',
  });
  await storage.staged(most, async () => {
    await expect(second()).rejects.toMatchObject({ reason: 'disk-full' });
    expect(await storage.staged(1, async () => 'small')).toBe('small');
  });
  expect(await second()).toBe('second');
});
