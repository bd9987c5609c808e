import express, { type Request, type RequestHandler } from 'express';
import { ApiError, errorKind, type FieldError } from '../errors.ts';
import type { OpenApiDocument, Schema } from './document.ts';
import { withTextValues } from './text-values.ts';

const maxDepth = 32;
/** Values in one body. A launch has a few hundred at most; each wrong one costs an error message. */
const maxValues = 5_000;

/**
 * Reads a JSON body (any `+json` type) of at most `limitBytes`. Not express.json(): that replaces bytes that are no
 * UTF-8 silently and knows nothing of nesting. A request without any body counts as `{}`, so that what is missing is
 * told by name; the original did so for every content type, here another type of a body that is there is 415.
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
      if (error !== undefined) return next(explained(error, limitBytes));
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

/** A charset says nothing: JSON has none (RFC 8259 section 11), and what is not UTF-8 is refused when it is read. */
function isJson(contentType: string | undefined): boolean {
  const [type = ''] = (contentType ?? '').toLowerCase().split(';');
  return /^application\/([-.\w]+\+)?json$/.test(type.trim());
}

function notJson(contentType: string | undefined): ApiError {
  const said = contentType ? `the content type ${contentType.slice(0, 100)}` : 'no content type';
  return new ApiError(errorKind.unsupportedMediaType, `The body has ${said}.`, {
    fields: [{ path: 'header.Content-Type', message: 'must be application/json' }],
  });
}

/** What reading the bytes can go wrong with: too many, a coding nobody knows, not what Content-Length said. */
function explained(error: unknown, limitBytes: number): unknown {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  const options = { cause: error };
  if (status === 413)
    return new ApiError(errorKind.bodyTooLarge, `The body is larger than ${limitBytes} bytes.`, options);
  if (status === 415) {
    return new ApiError(errorKind.unsupportedMediaType, 'The body has an encoding that is not understood.', {
      ...options,
      detail: 'Content-Encoding may be gzip, deflate, br or left out.',
      fields: [{ path: 'header.Content-Encoding', message: 'must be gzip, deflate or br' }],
    });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new ApiError(errorKind.badRequest, 'The body did not arrive as it was announced.', options);
  }
  // Inflating failed: zlib's errors have a code and no status.
  if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
    return new ApiError(errorKind.badRequest, 'The body is not encoded as Content-Encoding says.', options);
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
    return JSON.parse(text) as unknown;
  } catch (cause) {
    // Only the place: the parser's message quotes the body.
    const place = cause instanceof Error ? /position (\d+)/.exec(cause.message)?.[1] : undefined;
    throw new ApiError(errorKind.badRequest, 'The body is not JSON.', {
      detail:
        place === undefined ? 'It ends too early or is something else.' : `It stops being JSON at character ${place}.`,
      fields: [{ path: 'body', message: 'is not JSON' }],
    });
  }
}

/** Control characters but tab and line ends, which may stand in a variable's value. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controlCharacters = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/**
 * What is wrong with a body whatever its schema says: text that no file or label can hold, names that would reach a
 * prototype. Throws ApiError 422 where there is too much to go on. Never recursive: depth is the caller's choice.
 */
export function findBadText(body: unknown): FieldError[] {
  const problems: FieldError[] = [];
  const open: { value: unknown; path: string; depth: number }[] = [{ value: body, path: 'body', depth: 0 }];
  let seen = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path, depth } = next;
    if (++seen > maxValues) throw unreadable(`has more than ${maxValues} values`);
    if (typeof value === 'string') {
      const problem = badText(value);
      if (problem) problems.push({ path, message: problem });
    }
    if (value === null || typeof value !== 'object') continue;
    if (depth >= maxDepth) throw unreadable(`is nested deeper than ${maxDepth} levels`);
    for (const [name, inner] of Object.entries(value)) {
      const innerPath = `${path}.${shown(name)}`;
      const problem = name === '__proto__' ? 'is not allowed' : badText(name);
      if (problem) problems.push({ path: innerPath, message: `has a name that ${problem}` });
      open.push({ value: inner, path: innerPath, depth: depth + 1 });
    }
  }
  return problems;
}

function badText(text: string): string | undefined {
  if (controlCharacters.test(text)) return 'must not hold control characters';
  return text.isWellFormed() ? undefined : 'must not hold half of a surrogate pair';
}

function unreadable(message: string): ApiError {
  return new ApiError(errorKind.validation, 'The body is not valid.', {
    detail: `The body ${message}.`,
    fields: [{ path: 'body', message }],
  });
}

/** A name of the caller's choice, fit to be shown. */
export function shown(name: string): string {
  const clean = name.toWellFormed().replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
  return clean.length > 100 ? `${clean.slice(0, 99)}…` : clean;
}

/** Names in maps that must match a pattern, which OpenAPI 3.0 cannot say. */
export function findBadNames(schema: Schema, body: unknown): FieldError[] {
  if (body === null || typeof body !== 'object') return [];
  return Object.entries(schema.properties ?? {}).flatMap(([property, inner]) => {
    const map: unknown = Object.hasOwn(body, property) ? (body as Record<string, unknown>)[property] : undefined;
    if (inner['x-names'] === undefined || map === null || typeof map !== 'object') return [];
    const pattern = new RegExp(inner['x-names']);
    return Object.keys(map)
      .filter((name) => !pattern.test(name))
      .map((name) => ({
        path: `body.${property}.${shown(name)}`,
        message: inner['x-names-expect'] ?? 'has a name that is not allowed',
      }));
  });
}

/** Returns what is wrong with a body before the validator sees it; the body it should see is put in its place. */
export function prepareBody(document: OpenApiDocument, schema: Schema, req: Request): FieldError[] {
  const problems = findBadText(req.body);
  const paths = new Set(problems.map(({ path }) => path));
  problems.push(...findBadNames(schema, req.body).filter(({ path }) => !paths.has(path)));
  req.body = withTextValues(document, schema, req.body);
  return problems;
}
