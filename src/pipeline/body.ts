import express, { type Request, type RequestHandler } from 'express';
import { ApiError, errorKind, type FieldError } from '../errors.ts';
import { isObject } from '../lib/json.ts';
import type { OpenApiDocument, Schema } from './document.ts';
import { withTextValues } from './text-values.ts';

const maxDepth = 32;
/** Maximum number of values in one body. A launch has a few hundred; each invalid one costs an error message. */
const maxValues = 5_000;

/**
 * Returns middleware that reads a JSON body (any `+json` type) of at most `limitBytes` into `req.body`. A request
 * without a body gets `{}`, so that the errors name the missing fields; a body of another content type is a 415.
 * express.json() is not used because it silently replaces bytes that are not valid UTF-8.
 */
export function readBody(limitBytes: number): RequestHandler {
  const readBytes = express.raw({ type: () => true, limit: limitBytes });
  return (req, res, next) => {
    const contentType = req.headers['content-type'];
    if (!hasBody(req)) {
      req.body = {};
      return next();
    }
    if (!isJson(contentType)) return next(notJson(contentType));
    readBytes(req, res, (error?: unknown) => {
      if (error !== undefined) return next(toReadError(error, limitBytes));
      try {
        const bytes: unknown = req.body;
        req.body = Buffer.isBuffer(bytes) && bytes.length > 0 ? parse(bytes) : {};
        next();
      } catch (cause) {
        next(cause);
      }
    });
  };
}

function hasBody(req: Request): boolean {
  return req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0;
}

/** Ignores a charset: JSON has no charset (RFC 8259 section 11), and `parse` accepts only UTF-8. */
function isJson(contentType: string | undefined): boolean {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  return /^application\/([-.\w]+\+)?json$/.test(type.trim());
}

function notJson(contentType: string | undefined): ApiError {
  const found = contentType ? `the content type ${contentType.slice(0, 100)}` : 'no content type';
  return new ApiError(errorKind.unsupportedMediaType, `The body has ${found}.`, {
    fields: [{ path: 'header.Content-Type', message: 'must be application/json' }],
  });
}

/** Returns the ApiError for a failed read: body too large, unknown encoding, wrong length. */
function toReadError(error: unknown, limitBytes: number): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  const options = { cause: error };
  if (status === 413)
    return new ApiError(errorKind.bodyTooLarge, `The body is larger than ${limitBytes} bytes.`, options);
  if (status === 415) {
    return new ApiError(errorKind.unsupportedMediaType, 'The encoding of the body is not supported.', {
      ...options,
      detail: 'Content-Encoding may be gzip, deflate or br, or left out.',
      fields: [{ path: 'header.Content-Encoding', message: 'must be gzip, deflate or br' }],
    });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ApiError(errorKind.badRequest, 'The body could not be read completely.', options);
  }
  // Decompression failed: zlib's errors have a code and no status.
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
    return new ApiError(
      errorKind.badRequest,
      'The body does not have the encoding that Content-Encoding names.',
      options,
    );
  }
  return error;
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ApiError(errorKind.badRequest, 'The body is not valid UTF-8.', { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The response contains only the position, because the parser's message quotes the body.
    const position = cause instanceof Error ? /position (\d+)/.exec(cause.message)?.[1] : undefined;
    throw new ApiError(errorKind.badRequest, 'The body is not JSON.', {
      detail:
        position === undefined
          ? 'The body is incomplete or is not JSON.'
          : `The first error is at character ${position}.`,
      fields: [{ path: 'body', message: 'is not JSON' }],
    });
  }
}

/** All control characters except tabs and line breaks, which the value of a variable may contain. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds control characters
const controlCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * Returns the errors of a body that a schema cannot describe: text that files or labels cannot contain, and names that would
 * change a prototype. Throws ApiError 422 if the body has too many values or levels. Not recursive, because the caller chooses
 * the depth.
 */
export function findUnusableText(body: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const pending: { value: unknown; path: string; depth: number }[] = [{ value: body, path: 'body', depth: 0 }];
  let seen = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { value, path, depth } = next;
    if (++seen > maxValues) throw tooComplex(`has more than ${maxValues} values`);
    if (typeof value === 'string') {
      const found = unusableText(value);
      if (found) errors.push({ path, message: `must not contain ${found}` });
    }
    if (value === null || typeof value !== 'object') continue;
    if (depth >= maxDepth) throw tooComplex(`is nested deeper than ${maxDepth} levels`);
    for (const [name, inner] of Object.entries(value)) {
      const innerPath = `${path}.${printable(name)}`;
      const found = unusableText(name);
      if (name === '__proto__') errors.push({ path: innerPath, message: 'has a name that is not allowed' });
      else if (found) errors.push({ path: innerPath, message: `has a name that contains ${found}` });
      pending.push({ value: inner, path: innerPath, depth: depth + 1 });
    }
  }
  return errors;
}

function unusableText(text: string): string | undefined {
  if (controlCharacters.test(text)) return 'control characters';
  return text.isWellFormed() ? undefined : 'one half of a surrogate pair';
}

function tooComplex(message: string): ApiError {
  return new ApiError(errorKind.validation, 'The body is not valid.', {
    detail: `The body ${message}.`,
    fields: [{ path: 'body', message }],
  });
}

/** Returns a name that the caller chose, without control characters and shortened, for messages. */
export function printable(name: string): string {
  const clean = name.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > 100 ? `${clean.slice(0, 99)}…` : clean;
}

/** Returns an error for each name in a map that does not match the map's `x-names`; OpenAPI 3.0 has no such keyword. */
export function findInvalidNames(schema: Schema, body: unknown): FieldError[] {
  if (!isObject(body)) return [];
  return Object.entries(schema.properties ?? {}).flatMap(([property, inner]) => {
    const map = Object.hasOwn(body, property) ? body[property] : undefined;
    if (inner['x-names'] === undefined || !isObject(map)) return [];
    const pattern = new RegExp(inner['x-names']);
    return Object.keys(map)
      .filter((name) => !pattern.test(name))
      .map((name) => ({
        path: `body.${property}.${printable(name)}`,
        message: inner['x-names-expect'] ?? 'has a name that is not allowed',
      }));
  });
}

/** Replaces `req.body` by the body for the validator, and returns the errors that the validator would not find. */
export function prepareBody(document: OpenApiDocument, schema: Schema, req: Request): FieldError[] {
  const errors = findUnusableText(req.body);
  const paths = new Set(errors.map(({ path }) => path));
  errors.push(...findInvalidNames(schema, req.body).filter(({ path }) => !paths.has(path)));
  req.body = withTextValues(document, schema, req.body);
  return errors;
}
