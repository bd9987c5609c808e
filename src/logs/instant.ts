/**
 * A timestamp as text that sorts by time: seconds since 1970 (11 digits), a point, nanoseconds (9 digits). Timestamps in
 * logs are more precise than a Date, and vary in their number of digits.
 */
export type Instant = string;

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** Parses RFC 3339; returns undefined for any other text. */
export function parseInstant(text: string): Instant | undefined {
  const [, day, time, fraction = '', zone] = rfc3339.exec(text) ?? [];
  const ms = Date.parse(`${day}T${time}${zone?.toUpperCase()}`);
  return Number.isNaN(ms) || ms < 0 ? undefined : instantOf(ms, fraction);
}

/** @param ms milliseconds since 1970 @param fraction digits after the second's point; by default those of `ms` */
export function instantOf(ms: number, fraction = String(Math.floor(ms) % 1000).padStart(3, '0')): Instant {
  return `${String(Math.floor(ms / 1000)).padStart(11, '0')}.${fraction.slice(0, 9).padEnd(9, '0')}`;
}

/** Returns RFC 3339 without fractions of the second. */
export function wholeSecond(instant: Instant): string {
  return new Date(Number(instant.slice(0, 11)) * 1000).toISOString().replace('.000', '');
}

/** Parses `since`: RFC 3339, or seconds before `now` (milliseconds since 1970). Returns undefined for any other text. */
export function parseSince(text: string, now: number): Instant | undefined {
  if (/^\d{1,9}$/.test(text)) return instantOf(Math.max(0, now - Number(text) * 1000));
  // A plus sign in a query is a space; clients often forget to write %2B.
  return parseInstant(text.replace(/ (?=\d\d:\d\d$)/, '+'));
}
