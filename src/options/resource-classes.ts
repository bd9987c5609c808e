import { ApiError, type ErrorKind, errorKind, type FieldError } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { bytesPerGigabyte } from '../jupyter-server/quantities.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { ResourceClass, ResourcePool } from '../platform/resource-classes/types.ts';

/** The resources that a launch requests: a class by its id, else the class closest to legacy amounts, else the default class. */
export interface ResourceRequest {
  readonly classId: number | undefined;
  readonly legacy: LegacyAmounts | undefined;
  /** Gigabytes of 10^9 bytes; undefined: the default of the class. */
  readonly storage: number | undefined;
}

/** `serverOptions` of older clients, in cores, bytes and whole GPUs. */
export interface LegacyAmounts {
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly gpu: number;
  readonly storageBytes: number | undefined;
}

export interface SessionResources {
  readonly classId: number;
  /** Cores. */
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly gpu: number;
  readonly storageBytes: number;
  /** The priority class of the pool's quota. */
  readonly priorityClass: string | null;
}

export interface ChosenResources extends SessionResources {
  /** The name for users. */
  readonly className: string;
}

/** Returns the pools that a caller may use. Throws ApiError 1401, 3000 and 3004. */
export type OfferedPools = (identity: Identity, deadline: Deadline) => Promise<readonly ResourcePool[]>;

interface Offer {
  readonly pool: ResourcePool;
  readonly class: ResourceClass;
}

/**
 * Returns the resources of a new session. Pure. `pools` are the pools that the caller may use. Throws ApiError 1005 (class
 * or size not offered), 1000 (size outside of the default class, or no class for the legacy amounts) or 2001 (no default
 * class).
 */
export function chooseResources(pools: readonly ResourcePool[], request: ResourceRequest): ChosenResources {
  const offers = pools.flatMap((pool) => pool.classes.map((each): Offer => ({ pool, class: each })));
  if (request.classId !== undefined) return byClass(offers, request.classId, request.storage);
  if (request.legacy) return closest(offers, request.legacy, request.storage);
  const chosen = defaultOffer(pools);
  const errors = storageErrors(request.storage, chosen.class);
  if (errors.length > 0) throw notOffered('The storage size is not offered.', errorKind.invalidInput, errors);
  return resourcesOf(chosen, sizeOf(request.storage, chosen.class));
}

function byClass(offers: readonly Offer[], id: number, storage: number | undefined): ChosenResources {
  const chosen = offers.find((offer) => offer.class.id === id);
  const errors: FieldError[] = chosen
    ? []
    : [{ path: 'body.resource_class_id', message: `there is no resource class ${id} that you can use` }];
  errors.push(...storageErrors(storage, chosen?.class));
  if (!chosen || errors.length > 0) {
    throw notOffered('The resource class or the storage size is not offered.', errorKind.invalidResources, errors);
  }
  return resourcesOf(chosen, sizeOf(storage, chosen.class));
}

/**
 * Returns the smallest class that has the requested amounts: compares the unused GPUs first, then the unused CPU and memory
 * (one core counts as 4 GB, the usual ratio of machines), then the order of the platform.
 */
function closest(offers: readonly Offer[], amounts: LegacyAmounts, storage: number | undefined): ChosenResources {
  const bytes = amounts.storageBytes ?? (storage === undefined ? undefined : storage * bytesPerGigabyte);
  const waste = ({ class: { cpu, memory, gpu } }: Offer): readonly [number, number] => [
    gpu - amounts.gpu,
    cpu - amounts.cpu + (memory - amounts.memoryBytes / bytesPerGigabyte) / 4,
  ];
  const [best] = offers
    .filter((offer) => fits(offer.class, amounts, bytes))
    .map((offer) => ({ offer, waste: waste(offer) }))
    .sort((one, other) => one.waste[0] - other.waste[0] || one.waste[1] - other.waste[1]);
  if (!best) {
    throw new ApiError(errorKind.invalidInput, 'No resource class is large enough for the server options.', {
      detail:
        'Request less, or name a class with resource_class_id and a size with storage; serverOptions is deprecated.',
      fields: [{ path: 'body.serverOptions', message: 'is more than any resource class offers' }],
    });
  }
  return resourcesOf(best.offer, bytes ?? sizeOf(undefined, best.offer.class));
}

function fits(offered: ResourceClass, amounts: LegacyAmounts, storageBytes: number | undefined): boolean {
  return (
    offered.cpu >= amounts.cpu &&
    offered.memory * bytesPerGigabyte >= amounts.memoryBytes &&
    offered.gpu >= amounts.gpu &&
    offered.max_storage * bytesPerGigabyte >= (storageBytes ?? 0)
  );
}

function defaultOffer(pools: readonly ResourcePool[]): Offer {
  for (const pool of pools.filter((each) => each.default)) {
    const chosen = pool.classes.find((each) => each.default);
    if (chosen) return { pool, class: chosen };
  }
  throw new ApiError(errorKind.misconfigured, 'The platform has no default resource class.', {
    detail:
      'Name one with resource_class_id. Administrators: one pool, and one class in it, must be marked as default.',
  });
}

const smallestStorage = 1;

function storageErrors(storage: number | undefined, offered: ResourceClass | undefined): FieldError[] {
  if (storage === undefined) return [];
  const most = offered?.max_storage ?? Number.POSITIVE_INFINITY;
  if (storage >= smallestStorage && storage <= most) return [];
  const range = offered ? `must be from ${smallestStorage} to ${most}` : `must be at least ${smallestStorage}`;
  return [{ path: 'body.storage', message: `${range} gigabytes` }];
}

function notOffered(message: string, kind: ErrorKind, fields: FieldError[]): ApiError {
  const detail = fields.map(({ path, message: what }) => `${path.replace(/^body\./, '')} ${what}.`).join(' ');
  return new ApiError(kind, message, { detail, fields });
}

const sizeOf = (storage: number | undefined, offered: ResourceClass): number =>
  Math.round((storage ?? offered.default_storage) * bytesPerGigabyte);

const resourcesOf = ({ pool, class: chosen }: Offer, storageBytes: number): ChosenResources => ({
  classId: chosen.id,
  className: chosen.name,
  cpu: chosen.cpu,
  memoryBytes: Math.round(chosen.memory * bytesPerGigabyte),
  gpu: chosen.gpu,
  storageBytes,
  priorityClass: pool.quota?.id ?? null,
});
