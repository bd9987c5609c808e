import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../errors.ts';
import type { ResourceClass, ResourcePool } from '../platform/resource-classes/types.ts';
import { chooseResources, type ResourceRequest } from './resource-classes.ts';

const sized = (id: number, cpu: number, memory: number, more: Partial<ResourceClass> = {}): ResourceClass => ({
  id,
  name: `class-${id}`,
  default: false,
  cpu,
  memory,
  gpu: 0,
  default_storage: 1,
  max_storage: 20,
  ...more,
});

const pools: ResourcePool[] = [
  { id: 1, name: 'big', default: false, quota: null, classes: [sized(1, 8, 32), sized(2, 8, 32, { gpu: 1 })] },
  {
    id: 2,
    name: 'public',
    default: true,
    quota: { id: 'public-quota' },
    classes: [sized(3, 1, 2), sized(4, 0.5, 1, { default: true, default_storage: 2, max_storage: 10 })],
  },
];

const nothing: ResourceRequest = { classId: undefined, legacy: undefined, storage: undefined };
const legacy = (cpu: number, memoryBytes: number, gpu = 0, storageBytes?: number): ResourceRequest => ({
  ...nothing,
  legacy: { cpu, memoryBytes, gpu, storageBytes },
});

function refusal(request: ResourceRequest, from = pools): ApiError {
  try {
    chooseResources(from, request);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a class by its id', () => {
  it('gives its resources, its default storage and the quota of its pool', () => {
    expect(chooseResources(pools, { ...nothing, classId: 4 })).toEqual({
      classId: 4,
      className: 'class-4',
      cpu: 0.5,
      memoryBytes: 1e9,
      gpu: 0,
      storageBytes: 2e9,
      priorityClass: 'public-quota',
    });
  });

  it('uses the requested storage, up to the maximum of the class', () => {
    expect(chooseResources(pools, { ...nothing, classId: 4, storage: 10 }).storageBytes).toBe(1e10);
  });

  it.each([
    [{ classId: 99 }, ['body.resource_class_id']],
    [{ classId: 99, storage: 0 }, ['body.resource_class_id', 'body.storage']],
    [{ classId: 4, storage: 11 }, ['body.storage']],
    [{ classId: 4, storage: 0 }, ['body.storage']],
    [{ classId: 4, storage: -1 }, ['body.storage']],
  ])('rejects %j with 1005 and names the fields', (request, paths) => {
    const error = refusal({ ...nothing, ...request });
    expect(error.kind.code).toBe(1005);
    expect(error.fields?.map((field) => field.path)).toEqual(paths);
  });
});

describe('the default class', () => {
  it('has the quota of its pool', () => {
    const chosen = chooseResources(pools, nothing);
    expect([chosen.classId, chosen.priorityClass, chosen.storageBytes]).toEqual([4, 'public-quota', 2e9]);
  });

  it.each([0, -1, 11])('rejects %d GB with 1000', (storage) => {
    expect(refusal({ ...nothing, storage }).kind.code).toBe(1000);
  });

  it('is a configuration error if there is none', () => {
    expect(refusal(nothing, []).kind.code).toBe(2001);
  });
});

describe('legacy server options', () => {
  it('select the closest class, not the first one', () => {
    expect(chooseResources(pools, legacy(0.5, 1e9)).classId).toBe(4);
    expect(chooseResources(pools, legacy(0.6, 1e9)).classId).toBe(3);
    expect(chooseResources(pools, legacy(2, 1e9)).classId).toBe(1);
    expect(chooseResources(pools, legacy(0, 0, 1)).classId).toBe(2);
  });

  it('keep the requested disk, up to the maximum of the class', () => {
    const chosen = chooseResources(pools, legacy(0.5, 1e9, 0, 15e9));
    expect([chosen.classId, chosen.storageBytes]).toEqual([3, 15e9]);
  });

  it('are rejected with 1000 and advice if no class is large enough', () => {
    const error = refusal(legacy(100, 1e9));
    expect(error.kind.code).toBe(1000);
    expect(error.detail).toContain('resource_class_id');
    expect(error.fields?.[0]?.path).toBe('body.serverOptions');
  });

  it('never give less than requested', () => {
    const size = fc.integer({ min: 0, max: 64 });
    const classes = fc.array(fc.tuple(size, size, fc.integer({ min: 0, max: 2 }), size), { minLength: 1 });
    fc.assert(
      fc.property(classes, size, size, fc.integer({ min: 0, max: 2 }), size, (offered, cpu, memory, gpu, storage) => {
        const pool = {
          id: 1,
          name: 'only',
          default: true,
          quota: null,
          classes: offered.map(([c, m, g, s], id) => sized(id, c, m, { gpu: g, max_storage: s })),
        };
        const possible = offered.some(([c, m, g, s]) => c >= cpu && m >= memory && g >= gpu && s >= storage);
        const request = legacy(cpu, memory * 1e9, gpu, storage * 1e9);
        if (!possible) {
          expect(refusal(request, [pool]).kind.code).toBe(1000);
          return;
        }
        const chosen = chooseResources([pool], request);
        expect(chosen.cpu).toBeGreaterThanOrEqual(cpu);
        expect(chosen.memoryBytes).toBeGreaterThanOrEqual(memory * 1e9);
        expect(chosen.gpu).toBeGreaterThanOrEqual(gpu);
        expect(chosen.storageBytes).toBe(storage * 1e9);
      }),
    );
  });
});
