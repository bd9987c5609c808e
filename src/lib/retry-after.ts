/**
 * Returns the seconds that a Retry-After header names, as whole seconds or as an HTTP date (RFC 9110 section 10.2.3);
 * undefined if there is no header or its value is invalid.
 * @param now milliseconds since the epoch.
 */
export function readRetryAfter(header: string | null | undefined, now = Date.now()): number | undefined {
  const value = header?.trim();
  if (!value) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}
