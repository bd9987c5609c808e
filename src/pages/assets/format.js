// @ts-check
/** Functions that format times, sizes and logs. */

/** Returns the age as text: "just now", "5 min ago", "2 h ago", "3 days ago". @param {string} iso @param {number} [now] ms */
export function age(iso, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (!Number.isFinite(seconds)) return 'at an unknown time';
  if (seconds < 45) return 'just now';
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  const days = Math.round(seconds / 86_400);
  return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** Returns a duration as text: "8 s", "1 min 05 s". @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** Returns the gigabytes (10^9 bytes) in a size of the API such as "1.07G". @param {string | undefined} size */
export function gigabytes(size) {
  const match = /^([0-9]*\.?[0-9]+)G$/.exec(size ?? '');
  return match ? Number(match[1]) : null;
}

/** Returns a size as text: "50 MB", "1.5 GB". @param {number} value gigabytes */
export function formatGigabytes(value) {
  return value > 0 && value < 1 ? `${Math.round(value * 1000)} MB` : `${round(value)} GB`;
}

/** Returns a number of bytes as text: "512 bytes", "20 KB", "1.5 MB". @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1_000) return count(bytes, 'byte');
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  return bytes < 999_500_000 ? `${oneDecimal(bytes / 1e6)} MB` : `${oneDecimal(bytes / 1e9)} GB`;
}

/** @param {number} value */
const oneDecimal = (value) => String(Math.round(value * 10) / 10);

/** Returns a number with its noun: "1 file", "3 files". @param {number} number @param {string} one @param {string} [many] */
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** Returns the parts as text: "a", "a and b", "a, b and c". @param {readonly string[]} parts */
export const joined = (parts) =>
  parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;

/**
 * Returns the amounts of a resource class as text: "0.5 cores, 1 GB memory".
 * @param {Pick<import('./api.js').ResourceClass, 'cpu' | 'memory' | 'gpu'>} size
 */
export function amounts({ cpu, memory, gpu }) {
  const parts = [formatCores(cpu), `${formatGigabytes(memory)} memory`];
  return [...parts, ...(gpu > 0 ? [count(gpu, 'GPU')] : [])].join(', ');
}

/** Returns a number of cores as text: "0.5 cores", "1 core". @param {number} value */
export const formatCores = (value) => `${round(value)} ${value === 1 ? 'core' : 'cores'}`;

/** Returns the number with at most two decimals, without trailing zeros. @param {number} value */
export const round = (value) => String(Math.round(value * 100) / 100);

/** Returns the time of day in the format of the user's locale. @param {Date} date */
export const timeOfDay = (date) =>
  date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/**
 * Returns a log without terminal escape sequences, and with the timestamp (RFC 3339) of each line as local time of day.
 * @param {string} text
 */
export function readableLog(text) {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with ESC
      .replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\r(?=\n)/g, '')
      .replaceAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)(?= |$)/gm, (time) =>
        clockTime(new Date(time)),
      )
  );
}

/** Returns the local time, such as "09:05:07". @param {Date} date */
const clockTime = (date) =>
  [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
