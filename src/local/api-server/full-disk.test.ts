import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { log } from '../../../tests/support/local/api-server/test-server.ts';
import { mountSmallDisk, type SmallDisk } from '../../../tests/support/small-disk.ts';
import { resource } from '../../platform/kubernetes/resources.ts';
import { StatusError } from '../cluster.ts';
import { DiskReserve } from './disk-reserve.ts';
import { openCluster } from './open-cluster.ts';
import type { Store } from './store.ts';

const disk: SmallDisk | undefined = mountSmallDisk(64);
afterAll(() => disk?.remove());

it.runIf(disk === undefined)('a full disk needs one that can be filled', () => {
  process.stderr.write(
    '\nNOT TESTED: a full disk of the API server (no file system can be mounted here; run as root)\n',
  );
});

const object = (index: number) => ({ metadata: { name: `c${index}` }, data: { text: 'x'.repeat(20_000) } });

it.runIf(disk !== undefined)(
  'on a full disk nothing is added, all can be changed and deleted, and the disk is named',
  () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const path = join(directory, 'cluster.sqlite');
    const store = openCluster({ path, log });
    const create = (index: number) => store.create(resource.configMaps, 'default', object(index));
    for (let index = 0; index < 200; index += 1) create(index);
    expect(statSync(`${path}.reserve`).size).toBe(8 * 1024 * 1024);

    fill();
    const refused = refusalOf(() => {
      for (let index = 200; ; index += 1) create(index);
    });
    expect(refused).toMatchObject({ code: 507, reason: 'InsufficientStorage' });
    expect(refused.message).toContain('the disk of this machine is full');

    for (const { metadata } of store.list(resource.configMaps, { namespace: 'default' })) {
      store.mergePatch(resource.configMaps, 'default', metadata.name ?? '', {
        metadata: { labels: { last: 'words' } },
      });
      store.delete(resource.configMaps, 'default', metadata.name ?? '');
      // What becomes free is taken by others at once.
      fill();
    }
    expect(store.list(resource.configMaps, { namespace: 'default' })).toEqual([]);
    store.close();

    empty();
    const again: Store = openCluster({ path, log });
    expect(again.list(resource.configMaps, { namespace: 'default' })).toEqual([]);
    expect(statSync(`${path}.reserve`).size).toBe(8 * 1024 * 1024);
    again.close();
  },
);

it.runIf(disk !== undefined)(
  'a store cannot be made on a full disk, which is named, and can be as soon as there is room',
  () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const path = join(directory, 'other.sqlite');
    fill();
    expect(() => openCluster({ path, log })).toThrow(/other\.sqlite cannot be written: the disk is full/);
    empty();
    openCluster({ path, log }).close();
  },
);

it.runIf(disk !== undefined)(
  'the reserve comes back once there is room again, and is never what fills the disk',
  () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const reserve = new DiskReserve(join(directory, 'reserve'));
    fill();
    reserve.hold(0);
    expect(reserve.release()).toBe(false);
    empty();
    reserve.hold(1_000);
    expect(reserve.release()).toBe(false);
    reserve.hold(60_000);
    expect(reserve.release()).toBe(true);
  },
);

function refusalOf(action: () => unknown): StatusError {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
