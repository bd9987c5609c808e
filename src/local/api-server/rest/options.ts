import { StatusError } from '../../cluster.ts';
import { badRequest } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import type { WriteOptions } from '../store.ts';

export interface ListOptions {
  labelSelector: string;
  fieldSelector: string;
  /** undefined: no limit. */
  limit: number | undefined;
  continue: string | undefined;
  /** undefined: the newest. */
  resourceVersion: number | undefined;
  resourceVersionMatch: 'Exact' | 'NotOlderThan' | undefined;
  watch: boolean;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
  timeoutSeconds: number | undefined;
}

/** Reads the query of a list or watch. Throws StatusError 400 for values of the wrong type, 422 for bad combinations. */
export function readListOptions(query: URLSearchParams): ListOptions {
  const limit = integer(query, 'limit');
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: limit !== undefined && limit > 0 ? limit : undefined,
    continue: query.get('continue') || undefined,
    resourceVersion: resourceVersion(query),
    resourceVersionMatch: undefined,
    watch: boolean(query, 'watch') ?? false,
    allowWatchBookmarks: boolean(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: boolean(query, 'sendInitialEvents'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
  const match = query.get('resourceVersionMatch') || undefined;
  const refuse = (found: FieldError) => invalidOptions('ListOptions', found);
  if (match !== undefined) {
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      throw refuse(fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    }
    options.resourceVersionMatch = match;
  }
  if (options.watch) {
    if (options.continue !== undefined)
      throw refuse(fieldError.forbidden('continue', 'continue is forbidden for watch'));
    if (options.sendInitialEvents === undefined && match !== undefined) {
      throw refuse(fieldError.forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch'));
    }
    if (options.sendInitialEvents !== undefined && match !== 'NotOlderThan') {
      const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
      throw refuse(fieldError.forbidden('resourceVersionMatch', why));
    }
    return options;
  }
  if (options.sendInitialEvents !== undefined) {
    throw refuse(fieldError.forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  if (match !== undefined && query.get('resourceVersion') === null) {
    const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    throw refuse(fieldError.forbidden('resourceVersionMatch', why));
  }
  if (match === 'Exact' && query.get('resourceVersion') === '0') {
    const why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    throw refuse(fieldError.forbidden('resourceVersionMatch', why));
  }
  if (options.continue !== undefined && options.resourceVersion !== undefined) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return options;
}

/** Reads the query of a create, update or patch. Throws StatusError 422 for values that do not exist. */
export function readWriteOptions(query: URLSearchParams): WriteOptions {
  const validation = query.get('fieldValidation') || 'Warn';
  if (validation !== 'Strict' && validation !== 'Warn' && validation !== 'Ignore') {
    const supported = ['', 'Ignore', 'Strict', 'Warn'];
    throw invalidOptions('CreateOptions', fieldError.notSupported('fieldValidation', validation, supported));
  }
  return { dryRun: readDryRun(query.getAll('dryRun')), fieldValidation: validation };
}

export function readDryRun(values: readonly unknown[]): boolean {
  const unsupported = values.find((value) => value !== 'All');
  if (unsupported !== undefined)
    throw invalidOptions('CreateOptions', fieldError.notSupported('dryRun', unsupported, ['All']));
  return values.includes('All');
}

export function invalidOptions(kind: string, found: FieldError): StatusError {
  return new StatusError(422, 'Invalid', `${kind}.meta.k8s.io "" is invalid: ${found.field}: ${found.message}`, {
    group: 'meta.k8s.io',
    kind,
    causes: [found],
  });
}

/** undefined where the parameter is missing or empty. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw badRequest(`${name}: "${text}" is not an integer`);
  return value;
}

/** As the API reads it: `false` and `0` are false, any other value is true. */
export function boolean(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  return text.toLowerCase() !== 'false' && text !== '0';
}

function resourceVersion(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion');
  if (text === null || text === '' || text === '0') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`invalid resource version: "${text}"`);
  return Number(text);
}
