/** What is left of a patch after an unknown writer: anything. */
export interface AnyPatch {
  readonly patch?: unknown;
}

export interface AnyOperation {
  readonly path: string;
  readonly value: unknown;
}

/** The operations of JSON patches that have a path; merge patches have none, and nonsense is left out. */
export function operationsOf(patches: readonly AnyPatch[]): AnyOperation[] {
  return patches
    .flatMap(({ patch }): unknown[] => (Array.isArray(patch) ? patch : []))
    .flatMap((operation) => {
      const path = at(operation, 'path');
      return typeof path === 'string' ? [{ path, value: at(operation, 'value') }] : [];
    });
}

/** What stands in `value` under these keys; undefined where there is no such place. */
export const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce<unknown>(
    (place, key) =>
      typeof place === 'object' && place !== null && Object.hasOwn(place, key)
        ? (place as Record<string, unknown>)[key]
        : undefined,
    value,
  );
