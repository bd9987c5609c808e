import { posix } from 'node:path';

/** Paths of synchronized files: relative, with slashes. */

/** The folder at the top of each remote for versions that were replaced, and for transfers that have not ended. */
export const reservedFolder = '.notebook-sessions-sync';

const maxPathBytes = 2048;
const maxNameBytes = 255;
/** A listing of a hostile remote could else have so many different folders that the comparison needs all memory. */
const maxNames = 128;
/** The end of the year 9999. */
const maxTime = 253_402_300_799_999;

/** A valid path as most are, which is found fast: a listing has many. Each name begins with another character than a full stop. */
const plainPath = /^[\w ,()+@=~#-][\w .,()+@=~#-]*(?:\/[\w ,()+@=~#-][\w .,()+@=~#-]*)*$/;

/** Returns why no file may have this path, as the rest of a sentence; undefined if the path is valid. */
export function errorInPath(path: string): string | undefined {
  if (path.length <= maxNameBytes && plainPath.test(path)) return undefined;
  if (path === '') return 'is empty';
  if (path.startsWith('/')) return 'is not relative';
  // A server of another operating system could read a backslash as a separator.
  if (path.includes('\\')) return 'has a backslash';
  // U+FFFD stands for bytes that are not UTF-8.
  if (/\p{Cc}/u.test(path) || path.includes('\uFFFD') || !path.isWellFormed())
    return 'has characters that are not text';
  if (Buffer.byteLength(path) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  const names = path.split('/');
  if (names.length > maxNames) return `has more than ${maxNames} names`;
  for (const name of names) {
    if (name === '' || name === '.' || name === '..') return `has the part "${name}"`;
    if (Buffer.byteLength(name) > maxNameBytes) return `has a name of more than ${maxNameBytes} bytes`;
  }
  return undefined;
}

export const isReserved = (path: string): boolean => path.split('/', 1)[0] === reservedFolder;

/** Returns the folders that contain the path, the outermost first. */
export function ancestorsOf(path: string): string[] {
  const ancestors: string[] = [];
  // V8 does not copy the text of a slice, so many ancestors of a long path need little memory.
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) ancestors.push(path.slice(0, end));
  return ancestors;
}

/** Returns the text that is equal for paths that are one file at a remote. */
export const keyOf = (path: string, isCaseInsensitive: boolean): string =>
  isCaseInsensitive ? path.normalize('NFC').toLowerCase() : path;

/**
 * Returns the path of a conflict copy: `name (conflict <side> <time>).ext`, without colons, which some servers reject.
 * @param time milliseconds since the epoch, of the version that gets the name, so that a repeated attempt finds the same name
 * @param number 1 for the first copy
 */
export function conflictPath(path: string, side: 'local' | 'remote', time: number, number = 1): string {
  const { dir, name, ext } = posix.parse(path);
  const date = toRfc3339(time).slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  const suffix = ` (conflict ${side} ${date}${number === 1 ? '' : ` ${number}`})`;
  // An "extension" of a sentence with a full stop can be long.
  const extension = Buffer.byteLength(ext) > 20 ? '' : ext;
  const stem = shorten(
    extension === ext ? name : `${name}${ext}`,
    maxNameBytes - Buffer.byteLength(suffix + extension),
  );
  return posix.join(dir, `${stem}${suffix}${extension}`);
}

/** Returns the time as text. Files can have times that no date has: the nearest one stands for them. */
export const toRfc3339 = (time: number): string => new Date(Math.min(Math.max(time, 0), maxTime)).toISOString();

function shorten(text: string, maxBytes: number): string {
  let short = text;
  while (Buffer.byteLength(short) > maxBytes) short = [...short].slice(0, -1).join('');
  return short;
}
