import { closeSync, mkdirSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTrusted } from './folder-handle.ts';
import { createWatch } from './watch.ts';

it('watches a folder that was deleted and created again', async () => {
  const top = mkdtempSync(join(tmpdir(), 'sync-watch-'));
  const root = openTrusted(top);
  let hints = 0;
  const watching = createWatch(
    () => {
      hints += 1;
    },
    () => undefined,
  );
  try {
    mkdirSync(join(top, 'inner'));
    watching.update(root, ['inner']);
    rmSync(join(top, 'inner'), { recursive: true });
    mkdirSync(join(top, 'inner'));
    watching.update(root, ['inner']);
    // The events of a program arrive in their order: after the one of the marker, there is no event of an earlier change.
    const other = watch(top);
    const arrived = new Promise<void>((resolve) => other.on('change', (_, name) => name === 'marker' && resolve()));
    writeFileSync(join(top, 'marker'), '');
    await arrived;
    await new Promise((resolve) => setImmediate(resolve));
    other.close();
    hints = 0;
    writeFileSync(join(top, 'inner/a.txt'), 'a');
    await expect.poll(() => hints).toBeGreaterThan(0);
  } finally {
    watching.close();
    closeSync(root);
    rmSync(top, { recursive: true });
  }
});
