import { badRequest } from '../failures.ts';
import { isObject } from '../json.ts';

/** An amount as the API server writes it back, and its exact value. */
export interface Quantity {
  text: string;
  /** Billionths. */
  nano: bigint;
}

const NANO = 10n ** 9n;
const MILLI_IN_NANO = 10n ** 6n;
const DECIMAL_SUFFIXES = ['m', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
/** [numerator, denominator] of a suffix. */
const FACTORS = new Map<string, readonly [bigint, bigint]>([
  ['n', [1n, 10n ** 9n]],
  ['u', [1n, 10n ** 6n]],
  ...DECIMAL_SUFFIXES.map((suffix, index) => [suffix, [10n ** BigInt(index * 3), 1000n]] as const),
  ...BINARY_SUFFIXES.slice(1).map((suffix, index) => [suffix, [2n ** BigInt((index + 1) * 10), 1n]] as const),
]);
const GRAMMAR = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE])([+-]?\d{1,2})|([a-zA-Z]*))$/;

/**
 * Reads a quantity (`0.5`, `1000Mi`, `1e3`) and respells it as the API server does: in whole units of the largest suffix,
 * nothing finer than a thousandth. undefined where it is none.
 */
export function parseQuantity(value: unknown): Quantity | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const [, sign = '', digits = '', e, exponent = '0', suffix = ''] = GRAMMAR.exec(String(value)) ?? [];
  const factor = FACTORS.get(suffix);
  if (digits === '' || factor === undefined) return undefined;
  const [whole = '', decimals = ''] = digits.split('.');
  const power = Number(exponent) - decimals.length;
  const numerator = BigInt(whole + decimals) * factor[0] * 10n ** BigInt(Math.max(power, 0)) * NANO;
  const nano = roundUp(numerator, factor[1] * 10n ** BigInt(Math.max(-power, 0)));
  const milli = roundUp(nano, MILLI_IN_NANO);
  const minus = sign === '-' && milli > 0n ? '-' : '';
  return { text: minus + spell(milli, e, suffix.endsWith('i')), nano: minus ? -nano : nano };
}

function spell(milli: bigint, exponentSign: string | undefined, isBinary: boolean): string {
  const bytes = roundUp(milli, 1000n);
  if (isBinary && bytes >= 1024n) {
    const [mantissa, steps] = shortened(bytes, 1024n, BINARY_SUFFIXES.length - 1);
    return `${mantissa}${BINARY_SUFFIXES[steps]}`;
  }
  if (milli === 0n) return '0';
  const [mantissa, steps] = shortened(milli, 1000n, exponentSign ? 33 : DECIMAL_SUFFIXES.length - 1);
  if (exponentSign === undefined) return `${mantissa}${DECIMAL_SUFFIXES[steps]}`;
  return steps === 1 ? String(mantissa) : `${mantissa}${exponentSign}${(steps - 1) * 3}`;
}

/** Divided by `base` as often as it goes, at most `limit` times. */
function shortened(value: bigint, base: bigint, limit: number): [mantissa: bigint, steps: number] {
  let mantissa = value;
  let steps = 0;
  while (steps < limit && mantissa % base === 0n) {
    mantissa /= base;
    steps += 1;
  }
  return [mantissa, steps];
}

function roundUp(value: bigint, unit: bigint): bigint {
  return (value + unit - 1n) / unit;
}

/** Respells the member `name` of `parent`, where there is one. Throws StatusError 400 where it is no quantity. */
export function respell(parent: unknown, name: string): void {
  if (!isObject(parent) || !Object.hasOwn(parent, name)) return;
  const quantity = parseQuantity(parent[name] ?? '0');
  if (quantity === undefined) {
    throw badRequest(
      `${name}: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    );
  }
  parent[name] = quantity.text;
}

/** Respells all amounts of a list of resources such as `{cpu: 0.5}`. Throws StatusError 400. */
export function respellAll(amounts: unknown): void {
  if (isObject(amounts)) for (const name of Object.keys(amounts)) respell(amounts, name);
}
