import { StatusError } from '../../cluster.ts';
import { badRequest, expired, notFound } from '../failures.ts';
import { at } from '../json.ts';
import { readListOptions } from './options.ts';
import type { ListMeta } from './representation.ts';
import type { ResourceRequest } from './request.ts';
import { sendObject } from './responses.ts';
import { select, selectionOf } from './selection.ts';

export function serveGet({ store, res, kind, namespace, as }: ResourceRequest, name: string): void {
  const entry = store.objects.get(kind, namespace, name);
  if (entry === undefined) throw notFound(kind, name);
  sendObject(res, 200, as.one(entry));
}

/**
 * Sends a list or one page of a list. All pages show the state at the time of the first page. Throws StatusError 410 if the
 * history no longer contains that state.
 */
export function serveList({ store, res, kind, namespace, query, as }: ResourceRequest): void {
  const options = readListOptions(query);
  const selection = selectionOf(kind, namespace, options);
  const page = options.continue === undefined ? undefined : readContinue(options.continue);
  if (options.resourceVersion !== undefined) rejectFutureVersion(options.resourceVersion, store.objects.version);
  const version = page?.version ?? store.objects.version;
  const entries = store.objects.entriesAt(kind, version);
  if (entries === undefined) {
    throw expired('The provided continue parameter is too old to display a consistent list result. Start a new list.');
  }
  const found = select(entries, selection, page?.after);
  const shown = found.slice(0, options.limit);
  const left = found.length - shown.length;
  const metadata: ListMeta = { resourceVersion: String(version) };
  if (left > 0) {
    metadata.continue = writeContinue({ version, after: shown.at(-1)?.[0] ?? '' });
    if (!selection.selective) metadata.remainingItemCount = left;
  }
  const json = as.list(
    shown.map(([, entry]) => entry),
    metadata,
  );
  sendObject(res, 200, json);
}

/** Throws StatusError 504 if `version` is newer than `current`. */
export function rejectFutureVersion(version: number, current: number): void {
  if (version <= current) return;
  throw new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** The start of the next page: the version of the first page, and the last key of the previous page. */
interface ContinueToken {
  version: number;
  after: string;
}

function writeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function readContinue(text: string): ContinueToken {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    throw badRequest(`invalid continue token: ${error instanceof Error ? error.message : String(error)}`);
  }
  const version = at(token, 'version');
  const after = at(token, 'after');
  if (!Number.isSafeInteger(version) || typeof after !== 'string') throw badRequest('invalid continue token');
  return { version: Number(version), after };
}
