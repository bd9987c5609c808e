import { StatusError } from '../../cluster.ts';
import { badRequest } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import type { WriteOptions } from '../store.ts';

export interface ListOptions {
  labelSelector: string;
  fieldSelector: string;
  /** Maximum number of objects in a page; undefined: all objects. */
  limit: number | undefined;
  continue: string | undefined;
  /** undefined: the newest version. */
  resourceVersion: number | undefined;
  allowWatchBookmarks: boolean;
  timeoutSeconds: number | undefined;
}

/**
 * Reads the query of a list or watch. Throws StatusError 400 for values of the wrong type, 422 for options that this
 * server does not support. Clients then list and watch without these options.
 */
export function readListOptions(query: URLSearchParams): ListOptions {
  const match = query.get('resourceVersionMatch') ?? '';
  if (!['', 'NotOlderThan'].includes(match)) {
    throw invalidOptions('ListOptions', fieldError.notSupported('resourceVersionMatch', match, ['NotOlderThan', '']));
  }
  if (query.has('sendInitialEvents')) {
    const why = 'sendInitialEvents is not supported by this API server';
    throw invalidOptions('ListOptions', fieldError.forbidden('sendInitialEvents', why));
  }
  const limit = integer(query, 'limit') ?? 0;
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: limit > 0 ? limit : undefined,
    continue: query.get('continue') || undefined,
    resourceVersion: resourceVersion(query),
    allowWatchBookmarks: boolean(query, 'allowWatchBookmarks'),
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
  if (options.continue !== undefined && options.resourceVersion !== undefined) {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  return options;
}

/** Reads the query of a create, update or patch. Throws StatusError 422 for a dry run and for invalid values. */
export function readWriteOptions(query: URLSearchParams): WriteOptions {
  rejectDryRun(query.getAll('dryRun'));
  const validation = query.get('fieldValidation') ?? '';
  const supported = ['', 'Ignore', 'Strict', 'Warn'];
  if (!supported.includes(validation)) {
    throw invalidOptions('CreateOptions', fieldError.notSupported('fieldValidation', validation, supported));
  }
  return { rejectUnknownFields: validation === 'Strict' };
}

/** Throws StatusError 422 if a dry run is requested: the write must not be done. */
export function rejectDryRun(values: readonly unknown[]): void {
  if (values.length === 0) return;
  const why = 'dry runs are not supported by this API server';
  throw invalidOptions('CreateOptions', fieldError.forbidden('dryRun', why));
}

export function invalidOptions(kind: string, error: FieldError): StatusError {
  return new StatusError(422, 'Invalid', `${kind}.meta.k8s.io "" is invalid: ${error.field}: ${error.message}`, {
    group: 'meta.k8s.io',
    kind,
    causes: [error],
  });
}

/** Returns undefined if the parameter is missing or empty. Throws StatusError 400. */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw badRequest(`${name}: "${text}" is not an integer`);
  }
  return value;
}

/** Returns false for a missing parameter, `false` and `0`; true for any other value, as in Kubernetes. */
export function boolean(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text.toLowerCase() !== 'false' && text !== '0';
}

function resourceVersion(query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion');
  if (text === null || text === '' || text === '0') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`invalid resource version: "${text}"`);
  return Number(text);
}
