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

/** Swagger UI's page has a style element of its own. */
export const docsPolicy = policy("'self' 'unsafe-inline'");
const strictPolicy = policy("'self'");

/**
 * On every answer; pages may replace some. Answers are of one person at one moment and never stored; nothing here may be
 * framed, taken for another type, or loaded into a page of another origin.
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
