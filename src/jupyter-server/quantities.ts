/**
 * Amounts of CPU, memory, disk and GPU as text and as numbers. The `parse` functions read amounts in requests, by the
 * grammar of renku-notebooks 1.18.1. `readQuantity` reads quantities of objects in the cluster.
 */
const decimalUnits = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15, e: 1e18 } as const;
const binaryUnits = { ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40, pi: 2 ** 50, ei: 2 ** 60 } as const;

/** The same unit as in the resource class service and in renku-notebooks. */
export const bytesPerGigabyte = 1e9;

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  ...decimalUnits,
  ...Object.fromEntries(Object.entries(decimalUnits).map(([unit, factor]) => [`${unit}b`, factor])),
  ...binaryUnits,
};

const amount = /^([0-9]+\.?[0-9]*|\.[0-9]+)([A-Za-z]*)$/;

/** Returns the number of cores in, for example, `0.5`, `"2"` or `"500m"`; undefined if `input` is not a CPU quantity. */
export function parseCpu(input: string | number): number | undefined {
  const match = amount.exec(String(input));
  if (!match) return undefined;
  if (match[2] === '') return Number(match[1]);
  return match[2] === 'm' ? Number(match[1]) / 1000 : undefined;
}

/**
 * Returns the whole number of bytes in, for example, `1000000000`, `"1.5G"` or `"512Mi"`, in upper or lower case; undefined if
 * `input` is not an amount of bytes.
 */
export function parseBytes(input: string | number): number | undefined {
  const match = amount.exec(String(input));
  const factor = byteUnits[(match?.[2] ?? '-').toLowerCase()];
  return match && factor !== undefined ? Math.round(Number(match[1]) * factor) : undefined;
}

/** Returns the number of GPUs; undefined if `input` is not a whole number. */
export function parseGpu(input: string | number): number | undefined {
  const match = amount.exec(String(input));
  if (match?.[2] !== '' || !Number.isInteger(Number(match[1]))) return undefined;
  return Number(match[1]);
}

const suffixes: Readonly<Record<string, number>> = {
  '': 1,
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const quantity = /^\+?([0-9]+\.?[0-9]*|\.[0-9]+)(?:([eE][-+]?[0-9]+)|([A-Za-z]*))$/;

/**
 * Returns the number of a Kubernetes quantity. Also accepts the suffixes of other programs (`1GiB`, `2gb`). Returns undefined
 * for a negative quantity and for a value that is not a quantity. Never throws.
 */
export function readQuantity(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = quantity.exec(value.trim());
  if (!match) return undefined;
  if (match[2]) return finite(Number(match[1] + match[2]));
  const unit = match[3] ?? '';
  const factor = suffixes[unit] ?? byteUnits[unit.toLowerCase()] ?? byteUnits[unit.toLowerCase().replace(/ib$/, 'i')];
  return factor === undefined ? undefined : finite(Number(match[1]) * factor);
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

/** Returns gigabytes of 10^9 bytes, whole or with two decimals, as renku-notebooks writes sizes: `1G`, `1.07G`. */
export function formatBytes(bytes: number): string {
  const gigabytes = bytes / bytesPerGigabyte;
  return Number.isInteger(gigabytes) ? `${gigabytes}G` : `${gigabytes.toFixed(2)}G`;
}
