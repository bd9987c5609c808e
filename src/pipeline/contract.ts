import { parse as parseQuery } from 'node:querystring';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { ApiError, errorKind, type FieldError } from '../errors.ts';
import { prepareBody, printable } from './body.ts';
import { type OpenApiDocument, resolve, type Schema } from './document.ts';
import { type Operation, operationOf } from './operations.ts';
import { fromText } from './text-values.ts';

/** Field errors in one response; further ones are only counted. */
const maxFields = 50;

/**
 * Returns middleware that validates requests against the document. All invalid fields of a request are reported together,
 * as one 422. The middleware must be mounted at the prefix, after `setOperation` and `readBody`.
 * `validateResponses` is for tests: a response that does not match the document becomes an error.
 */
export function contract(document: OpenApiDocument, options: { validateResponses: boolean }): RequestHandler[] {
  const { findRoute, validate } = compiledValidator(document, options.validateResponses);
  /** What `findRoute` has found for an operation. */
  const routes = new Map<Operation, object>();

  const prepare: RequestHandler = (req, res, next) => {
    const operation = operationOf(res);
    const errors = prepareQuery(req, operation);
    if (operation.body) errors.push(...prepareBody(document, operation.body, req));
    res.locals['earlyErrors'] = errors;
    // The validator keeps one compiled schema per content type forever, so callers must not choose the type.
    if (operation.body) req.headers['content-type'] = 'application/json';
    else delete req.headers['content-type'];
    next();
  };

  const explain = (error: unknown, res: Response): unknown => {
    const found = validationErrors(error);
    if (!found) return error;
    const operation = operationOf(res);
    return invalid([...earlyErrors(res), ...found.map((each) => fieldError(document, operation, each))], error);
  };

  const explained = (handler: RequestHandler): RequestHandler => {
    return (req, res, next) =>
      handler(req, res, (error?: unknown) => next(error === undefined ? error : explain(error, res)));
  };

  /** The validator compiles the patterns of all paths anew for each request, so its route of an operation is stored. */
  const useRoute: RequestHandler = (req, res, next) => {
    const operation = operationOf(res);
    const known = routes.get(operation);
    if (known) {
      Reflect.set(req, 'openapi', { ...known, pathParams: operation.valuesIn(req.path) });
      return next();
    }
    inSequence(findRoute, req, res, (error?: unknown) => {
      const found: object | undefined = Reflect.get(req, 'openapi');
      if (error === undefined && found) routes.set(operation, found);
      next(error);
    });
  };

  const finish: RequestHandler = (_req, res, next) => {
    const errors = earlyErrors(res);
    next(errors.length > 0 ? invalid(errors) : undefined);
  };
  return [prepare, ...[useRoute, ...validate].map(explained), finish];
}

/** Calls handlers one after the other, and `next` after the last one or with the first error. */
function inSequence(handlers: readonly RequestHandler[], req: Request, res: Response, next: NextFunction): void {
  const [first, ...others] = handlers;
  if (!first) next();
  else first(req, res, (error?: unknown) => (error === undefined ? inSequence(others, req, res, next) : next(error)));
}

/** The handlers of express-openapi-validator. */
interface Validator {
  /** Those that find the route of a request in the document. */
  readonly findRoute: readonly RequestHandler[];
  readonly validate: readonly RequestHandler[];
}

/** Validators by the paths that they were compiled for. The services of one process share them, for example in tests. */
const compiled = new WeakMap<OpenApiDocument['paths'], Map<boolean, Validator>>();

/**
 * Returns express-openapi-validator's handlers for the document's paths. They do not depend on the prefix or the service.
 * A schema is compiled when it is first used, which takes longer than most requests.
 */
function compiledValidator(document: OpenApiDocument, validateResponses: boolean): Validator {
  const known = compiled.get(document.paths) ?? new Map<boolean, Validator>();
  compiled.set(document.paths, known);
  const before = known.get(validateResponses);
  if (before) return before;
  const handlers = OpenApiValidator.middleware({
    apiSpec: forValidator(document),
    // A test validates openapi.yaml.
    validateApiSpec: false,
    validateRequests: { allowUnknownQueryParameters: true, allErrors: true, coerceTypes: false },
    validateResponses,
    validateSecurity: false,
    fileUploader: false,
    useRequestUrl: true,
  });
  const validatesAt = handlers.findIndex(({ name }) => name === 'requestMiddleware');
  if (validatesAt < 0) throw new Error('express-openapi-validator has no handler requestMiddleware any more');
  const validator = { findRoute: handlers.slice(0, validatesAt), validate: handlers.slice(validatesAt) };
  known.set(validateResponses, validator);
  return validator;
}

/** Returns the errors that were found before the validator ran. */
function earlyErrors(res: Response): FieldError[] {
  const errors: FieldError[] | undefined = res.locals['earlyErrors'];
  return errors ?? [];
}

type ValidatorDocument = Exclude<Parameters<typeof OpenApiValidator.middleware>[0]['apiSpec'], string>;

/**
 * Returns a copy of the document for the validator, because the validator changes its document. The copy is mounted below
 * the prefix. It has no paths with `servers`, which the validator would handle as a method, and no security, which identity
 * checks.
 */
function forValidator(document: OpenApiDocument): ValidatorDocument {
  const paths = Object.fromEntries(Object.entries(document.paths).filter(([, item]) => !item.servers));
  return JSON.parse(JSON.stringify({ ...document, paths, servers: [{ url: '/' }], security: undefined }));
}

/**
 * Replaces `req.query` by the documented parameters. Unknown parameters are ignored, and of a repeated parameter the
 * first value is used. Returns an error for each integer parameter that is not a decimal integer: the validator would
 * accept `2.0`, `1e2` and `0x10`.
 */
function prepareQuery(req: Request, operation: Operation): FieldError[] {
  const queryAt = req.url.indexOf('?');
  const given = parseQuery(queryAt === -1 ? '' : req.url.slice(queryAt + 1));
  const query: Record<string, unknown> = {};
  const errors: FieldError[] = [];
  for (const { name, schema } of operation.query) {
    const value = [given[name]].flat()[0];
    if (value === undefined) continue;
    query[name] = schema ? fromText(schema, value) : value;
    if (schema?.type === 'integer' && !/^\s*[+-]?\d+\s*$/.test(value)) {
      errors.push({ path: `query.${name}`, message: `must be ${schema['x-expects'] ?? 'a whole number'}` });
    }
  }
  // In Express 5, `query` is a getter that parses the address each time, which would lose the converted values.
  Object.defineProperty(req, 'query', { value: query, writable: true, configurable: true, enumerable: true });
  return errors;
}

type ValidatorError = InstanceType<typeof OpenApiValidator.error.BadRequest>['errors'][number];

/** Returns the errors that the validator reports; undefined if `error` is not from the validator. */
const validationErrors = (error: unknown): ValidatorError[] | undefined =>
  error instanceof OpenApiValidator.error.BadRequest ? error.errors : undefined;

/** The validator's names for parts of a request, if they differ from those of this service. */
const places: Record<string, string> = { params: 'path', headers: 'header' };

function fieldError(
  document: OpenApiDocument,
  operation: Operation,
  { path, message, errorCode }: ValidatorError,
): FieldError {
  const [place = '', ...names] = path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const where = [places[place] ?? place, ...names.map(printable)].join('.');
  if (errorCode === 'required.openapi.validation') return { path: where, message: 'is required' };
  if (errorCode === 'additionalProperties.openapi.validation') return { path: where, message: 'is not known' };
  if (where === 'body') return { path: where, message: 'must be a JSON object' };
  const expects = schemaAt(document, operation, place, names)?.['x-expects'];
  return { path: where, message: expects === undefined ? message : `must be ${expects}` };
}

function schemaAt(document: OpenApiDocument, operation: Operation, place: string, names: string[]): Schema | undefined {
  const [first, ...rest] = names;
  if (place !== 'body') return [...operation.query, ...operation.path].find(({ name }) => name === first)?.schema;
  let schema = operation.body;
  for (const name of first === undefined ? [] : [first, ...rest]) {
    const own = schema?.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const other = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : schema?.items;
    const inner = own ?? other;
    if (!inner) return undefined;
    schema = resolve(document, inner);
  }
  return schema;
}

/** Reports one error per path: the validator reports one for each type that a value may have. */
function invalid(fields: readonly FieldError[], cause?: unknown): ApiError {
  const byPath = new Map<string, FieldError>();
  for (const field of fields) if (!byPath.has(field.path)) byPath.set(field.path, field);
  const all = [...byPath.values()];
  const shownFields = all.slice(0, maxFields);
  const sentences = shownFields.map(({ path, message }) => `${path} ${message}.`);
  if (all.length > maxFields) sentences.push(`And ${all.length - maxFields} more.`);
  const message =
    all.length === 1 ? 'A field of the request is not valid.' : `${all.length} fields of the request are not valid.`;
  return new ApiError(errorKind.validation, message, { detail: sentences.join(' '), fields: shownFields, cause });
}
