import { asObject } from '../lib/json.ts';

/**
 * Functions that read values of an object that any client may have written. They return undefined or an empty value if the
 * value has another type. They never throw.
 */
export type Fields = Readonly<Record<string, unknown>>;

export const fields = (value: unknown): Fields => asObject(value) ?? {};

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Returns a string, with U+FFFD for each lone surrogate, because encoders reject lone surrogates. */
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.toWellFormed() : undefined;

export const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Returns the value at the path `keys` inside `value`; undefined if the path does not exist. */
export const at = (value: unknown, ...keys: readonly string[]): unknown =>
  keys.reduce<unknown>((place, key) => {
    const inside = fields(place);
    return Object.hasOwn(inside, key) ? inside[key] : undefined;
  }, value);
