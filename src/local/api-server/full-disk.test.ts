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

it.runIf(disk === undefined)('needs a file system that can be filled', () => {
  process.stderr.write(
    '\nNOT TESTED: a full disk of the API server (no file system can be mounted here; run as root)\n',
  );
});

const object = (index: number) => ({ metadata: { name: `c${index}` }, data: { text: 'x'.repeat(20_000) } });

it.runIf(disk !== undefined)(
  'on a full disk, new objects are rejected with an error that names the disk, and objects can be changed and deleted',
  () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const path = join(directory, 'cluster.sqlite');
    const store = openCluster({ path, log });
    const create = (index: number) => store.create(resource.configMaps, 'default', object(index));
    for (let index = 0; index < 200; index += 1) create(index);
    expect(statSync(`${path}.reserve`).size).toBe(8 * 1024 * 1024);

    fill();
    const rejected = errorOf(() => {
      for (let index = 200; ; index += 1) create(index);
    });
    expect(rejected).toMatchObject({ code: 507, reason: 'InsufficientStorage' });
    expect(rejected.message).toContain('the disk of this machine is full');

    for (const { metadata } of store.list(resource.configMaps, { namespace: 'default' })) {
      store.mergePatch(resource.configMaps, 'default', metadata.name ?? '', {
        metadata: { labels: { changed: 'yes' } },
      });
      store.delete(resource.configMaps, 'default', metadata.name ?? '');
      // Other programs use the freed space immediately.
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
  'creating a store on a full disk fails with an error that names the disk, and succeeds when there is space',
  () => {
    const { directory, fill, empty } = disk as SmallDisk;
    const path = join(directory, 'other.sqlite');
    fill();
    expect(() => openCluster({ path, log })).toThrow(/other\.sqlite cannot be written: the disk is full/);
    empty();
    openCluster({ path, log }).close();
  },
);

it.runIf(disk !== undefined)('the reserve is allocated again when there is space, and does not fill the disk', () => {
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
});

function errorOf(action: () => unknown): StatusError {
  try {
    action();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('nothing was rejected');
}
