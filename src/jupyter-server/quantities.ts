/**
 * Amounts of CPU, memory, disk and GPU as text and as numbers. Reading comes in two strengths: what callers send is
 * checked against 1.18.1's grammar, what stands on an object in the cluster may be any Kubernetes quantity or nonsense
 * and never throws.
 */
const decimalUnits = { k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15, e: 1e18 } as const;
const binaryUnits = { ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40, pi: 2 ** 50, ei: 2 ** 60 } as const;

/** The resource services and 1.18.1 count a gigabyte as 10^9 bytes. */
export const bytesPerGigabyte = 1e9;

const byteUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  ...decimalUnits,
  ...Object.fromEntries(Object.entries(decimalUnits).map(([unit, factor]) => [`${unit}b`, factor])),
  ...binaryUnits,
};

const amount = /^([0-9]+\.?[0-9]*|\.[0-9]+)([A-Za-z]*)$/;

/** Cores from what a caller sent: `0.5`, `"2"`, `"500m"`. undefined when it is none. */
export function parseCpu(input: string | number): number | undefined {
  const match = amount.exec(String(input));
  if (!match) return undefined;
  if (match[2] === '') return Number(match[1]);
  return match[2] === 'm' ? Number(match[1]) / 1000 : undefined;
}

/** Whole bytes from what a caller sent: `1000000000`, `"1.5G"`, `"512Mi"`, any case. undefined when it is none. */
export function parseBytes(input: string | number): number | undefined {
  const match = amount.exec(String(input));
  const factor = byteUnits[(match?.[2] ?? '-').toLowerCase()];
  return match && factor !== undefined ? Math.round(Number(match[1]) * factor) : undefined;
}

/** A whole number of GPUs from what a caller sent. undefined when it is none. */
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
 * The number that a Kubernetes quantity on an object stands for; also the spellings that other writers use (`1GiB`,
 * `2gb`). undefined for anything that is no amount, negative ones included.
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

/** `1G`, `1.07G`: gigabytes of 10^9 bytes, whole or with two decimals, as 1.18.1 writes every size. */
export function formatBytes(bytes: number): string {
  const gigabytes = bytes / bytesPerGigabyte;
  return Number.isInteger(gigabytes) ? `${gigabytes}G` : `${gigabytes.toFixed(2)}G`;
}
