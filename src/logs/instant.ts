/**
 * A moment as text that sorts by time: seconds since 1970 (11 digits), a point, nanoseconds (9 digits). Logs have more
 * digits than a number or a Date can hold, and not always the same number of them.
 */
export type Instant = string;

const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/;

/** Of RFC 3339; undefined for anything else. */
export function parseInstant(text: string): Instant | undefined {
  const [, day, time, fraction = '', zone] = rfc3339.exec(text) ?? [];
  const ms = Date.parse(`${day}T${time}${zone?.toUpperCase()}`);
  return Number.isNaN(ms) || ms < 0 ? undefined : instantOf(ms, fraction);
}

/** @param ms milliseconds since 1970 @param fraction digits of the second; those of `ms` if not given */
export function instantOf(ms: number, fraction = String(Math.floor(ms) % 1000).padStart(3, '0')): Instant {
  return `${String(Math.floor(ms / 1000)).padStart(11, '0')}.${fraction.slice(0, 9).padEnd(9, '0')}`;
}

/** RFC 3339, the second that the instant is in. */
export function wholeSecond(instant: Instant): string {
  return new Date(Number(instant.slice(0, 11)) * 1000).toISOString().replace('.000', '');
}

/**
 * `since` as people give it: RFC 3339, or seconds before `now` (milliseconds since 1970). undefined for anything else.
 */
export function parseSince(text: string, now: number): Instant | undefined {
  if (/^\d{1,9}$/.test(text)) return instantOf(Math.max(0, now - Number(text) * 1000));
  // A plus in a query means a space, and few people write %2B.
  return parseInstant(text.replace(/ (?=\d\d:\d\d$)/, '+'));
}
