import type { RequestHandler } from 'express';

const policy = (styles: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styles}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** For the page of Swagger UI, which has an inline style element. */
export const docsPolicy = policy("'self' 'unsafe-inline'");
const strictPolicy = policy("'self'");

/**
 * The headers of every response; pages replace some of them. Responses are personal, so no cache stores them. Browsers
 * must not show them in a frame, guess their type, or load them into a page of another origin.
 */
const headers: readonly (readonly [string, string])[] = [
  ['Content-Security-Policy', strictPolicy],
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'DENY'],
  ['Referrer-Policy', 'same-origin'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
];

export const securityHeaders: RequestHandler = (_req, res, next) => {
  for (const [name, value] of headers) res.setHeader(name, value);
  next();
};
