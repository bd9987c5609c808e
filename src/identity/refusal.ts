import { ApiError, errorKind, type FieldError } from '../errors.ts';

export const header = {
  accessToken: 'Renku-Auth-Access-Token',
  idToken: 'Renku-Auth-Id-Token',
  refreshToken: 'Renku-Auth-Refresh-Token',
  gitCredentials: 'Renku-Auth-Git-Credentials',
  anonymousId: 'Renku-Auth-Anon-Id',
} as const;

/** Returns ApiError 1401. `fields` name the invalid headers, claims or cookies; no text contains their values. */
export function unauthenticated(
  message: string,
  options: { detail?: string; fields?: FieldError[]; headers?: Record<string, string>; cause?: unknown } = {},
): ApiError {
  return new ApiError(errorKind.unauthenticated, message, options);
}

/** Returns whether a value can be a name, a header or a part of a resource: not blank, not too long, no control characters. */
export function isPlainText(value: unknown, maxLength: number): value is string {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= maxLength &&
    value.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)
  );
}
