import { asObject } from '../../lib/json.ts';
import type { ResourceClass, ResourcePool } from './types.ts';

/**
 * Returns the pools in a response of `GET resource_pools`, or undefined if it is not a list. Incomplete pools and classes
 * are left out and reported to `onSkip`, so that one mistake in the platform's data does not prevent every launch.
 */
export function readPools(body: unknown, onSkip: (what: string) => void): ResourcePool[] | undefined {
  if (!Array.isArray(body)) return undefined;
  return body.flatMap((entry: unknown, index) => {
    const pool = asObject(entry);
    const classes: unknown = pool?.['classes'];
    if (!pool || !isId(pool['id']) || !Array.isArray(classes)) {
      onSkip(`pool ${index + 1}`);
      return [];
    }
    const read = classes.flatMap((each: unknown, place) => {
      const found = readClass(each);
      if (!found) onSkip(`class ${place + 1} of pool ${index + 1}`);
      return found ? [found] : [];
    });
    const quota = asObject(pool['quota'])?.['id'];
    return [
      {
        id: pool['id'],
        name: nameOf(pool),
        default: pool['default'] === true,
        quota: typeof quota === 'string' && quota !== '' ? { id: quota } : null,
        classes: read,
      },
    ];
  });
}

function readClass(value: unknown): ResourceClass | undefined {
  const given = asObject(value);
  if (!given || !isId(given['id'])) return undefined;
  const { cpu, memory, gpu = 0, max_storage, default_storage = 1 } = given;
  if (![cpu, memory, gpu, max_storage, default_storage].every(isAmount)) return undefined;
  return {
    id: given['id'],
    name: nameOf(given),
    default: given['default'] === true,
    cpu: Number(cpu),
    memory: Number(memory),
    gpu: Number(gpu),
    default_storage: Number(default_storage),
    max_storage: Number(max_storage),
  };
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value);
const isAmount = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;

const nameOf = ({ id, name }: Record<string, unknown>): string => (typeof name === 'string' ? name : String(id));
