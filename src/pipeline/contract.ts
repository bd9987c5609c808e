import { parse as parseQuery } from 'node:querystring';
import type { Request, RequestHandler, Response } from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { ApiError, errorKind, type FieldError } from '../errors.ts';
import { prepareBody, shown } from './body.ts';
import { type OpenApiDocument, resolve, type Schema } from './document.ts';
import type { Operation } from './operations.ts';
import { fromText } from './text-values.ts';

/** Shown in one answer; the rest is counted. */
const maxFields = 50;

/**
 * Holds requests against the document. Everything wrong with a request is told at once, as a 422 with the paths of the
 * fields. To be mounted at the prefix; expects the operation in `res.locals.operation` and a parsed body.
 * `validateResponses` is for tests: an answer that is not as documented becomes an error.
 */
export function contract(document: OpenApiDocument, options: { validateResponses: boolean }): RequestHandler[] {
  const validator = compiledValidator(document, options.validateResponses);

  const prepare: RequestHandler = (req, res, next) => {
    const operation = operationOf(res);
    const problems = prepareQuery(req, operation);
    if (operation.body) problems.push(...prepareBody(document, operation.body, req));
    res.locals['foundProblems'] = problems;
    // The validator keeps a compiled schema for each content type it has ever seen: callers must not choose them.
    if (operation.body) req.headers['content-type'] = 'application/json';
    else delete req.headers['content-type'];
    next();
  };

  const explain = (error: unknown, res: Response): unknown => {
    const found = validationErrors(error);
    if (!found) return error;
    const operation = operationOf(res);
    return invalid([...foundProblems(res), ...found.map((each) => fieldError(document, operation, each))], error);
  };

  const wrapped = validator.map(
    (handler): RequestHandler =>
      (req, res, next) =>
        handler(req, res, (error?: unknown) => next(error === undefined ? error : explain(error, res))),
  );

  const finish: RequestHandler = (_req, res, next) => {
    const problems = foundProblems(res);
    next(problems.length > 0 ? invalid(problems) : undefined);
  };
  return [prepare, ...wrapped, finish];
}

/** Validators by the paths that they were compiled for: services of one process share them, as in tests. */
const compiled = new WeakMap<OpenApiDocument['paths'], Map<boolean, RequestHandler[]>>();

/**
 * Returns express-openapi-validator's handlers for the document's paths. They depend on no prefix and no service, and
 * compile a schema when it is first used, which takes longer than most requests.
 */
function compiledValidator(document: OpenApiDocument, validateResponses: boolean): RequestHandler[] {
  const known = compiled.get(document.paths) ?? new Map<boolean, RequestHandler[]>();
  compiled.set(document.paths, known);
  const validator =
    known.get(validateResponses) ??
    (OpenApiValidator.middleware({
      apiSpec: forValidator(document) as never,
      // openapi.yaml is ours: a test validates it, not each start.
      validateApiSpec: false,
      validateRequests: { allowUnknownQueryParameters: true, allErrors: true, coerceTypes: false },
      validateResponses,
      validateSecurity: false,
      fileUploader: false,
      useRequestUrl: true,
    }) as unknown as RequestHandler[]);
  known.set(validateResponses, validator);
  return validator;
}

/** Set by app.ts before anything here runs. */
export function operationOf(res: Response): Operation {
  const operation = res.locals['operation'] as Operation | undefined;
  if (!operation) throw new Error('the contract was asked about a request without an operation');
  return operation;
}

/** What was found before the validator has looked. */
const foundProblems = (res: Response): FieldError[] => (res.locals['foundProblems'] as FieldError[] | undefined) ?? [];

/**
 * The document as the validator can take it: below the prefix, as it is mounted there; without paths that have `servers`
 * (it takes the word for a method); without security, which is identity's. A copy, because it writes into what it gets.
 */
function forValidator(document: OpenApiDocument): object {
  const paths = Object.fromEntries(Object.entries(document.paths).filter(([, item]) => !item.servers));
  return JSON.parse(JSON.stringify({ ...document, paths, servers: [{ url: '/' }], security: undefined })) as object;
}

/**
 * Puts only what the operation knows into `req.query`: unknown parameters are ignored, whatever their names do to a
 * parser, and so is what cannot be decoded. Of a parameter that is given more than once the first one counts. Returns
 * the numbers that are none: the validator would take `2.0`, `1e2` and `0x10`.
 */
function prepareQuery(req: Request, operation: Operation): FieldError[] {
  const mark = req.url.indexOf('?');
  const given = parseQuery(mark === -1 ? '' : req.url.slice(mark + 1));
  const query: Record<string, unknown> = {};
  const problems: FieldError[] = [];
  for (const { name, schema } of operation.query) {
    const value = [given[name]].flat()[0];
    if (value === undefined) continue;
    query[name] = schema ? fromText(schema, value) : value;
    if (schema?.type === 'integer' && !/^\s*[+-]?\d+\s*$/.test(value)) {
      problems.push({ path: `query.${name}`, message: `must be ${schema['x-expects'] ?? 'a whole number'}` });
    }
  }
  // In Express 5 `query` is a getter that parses anew each time; what the validator converts would be lost.
  Object.defineProperty(req, 'query', { value: query, writable: true, configurable: true, enumerable: true });
  return problems;
}

interface ValidatorError {
  path: string;
  message: string;
  errorCode?: string;
}

/** The validator's findings; undefined for any other error. */
function validationErrors(error: unknown): ValidatorError[] | undefined {
  if (!(error instanceof Error) || !('status' in error) || error.status !== 400) return undefined;
  if ('errors' in error && Array.isArray(error.errors) && error.errors.length > 0)
    return error.errors as ValidatorError[];
  const path = 'path' in error && typeof error.path === 'string' ? error.path : '/query';
  return [{ path, message: error.message }];
}

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
  const where = [places[place] ?? place, ...names.map(shown)].join('.');
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

/** One error per path: the first says enough, and a value of several allowed types brings one for each. */
function invalid(fields: readonly FieldError[], cause?: unknown): ApiError {
  const byPath = new Map<string, FieldError>();
  for (const field of fields) if (!byPath.has(field.path)) byPath.set(field.path, field);
  const all = [...byPath.values()];
  const told = all.slice(0, maxFields);
  const sentences = told.map(({ path, message }) => `${path} ${message}.`);
  if (all.length > told.length) sentences.push(`And ${all.length - told.length} more.`);
  const message =
    all.length === 1 ? 'A field of the request is not valid.' : `${all.length} fields of the request are not valid.`;
  return new ApiError(errorKind.validation, message, { detail: sentences.join(' '), fields: told, cause });
}
