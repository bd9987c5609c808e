import { asObject } from '../lib/json.ts';

/**
 * Readers for values of an object that any client may have written. Each returns undefined, or an empty value, for a
 * value of another type, and none throws.
 */
export type Fields = Readonly<Record<string, unknown>>;

export const fields = (value: unknown): Fields => asObject(value) ?? {};

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A lone surrogate, which no encoder accepts, is replaced by U+FFFD. */
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.toWellFormed() : undefined;

export const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Returns the value at the end of these keys; undefined if there is none. */
export const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce<unknown>((place, key) => {
    const inside = fields(place);
    return Object.hasOwn(inside, key) ? inside[key] : undefined;
  }, value);
