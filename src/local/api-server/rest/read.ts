import type { ServerResponse } from 'node:http';
import { StatusError } from '../../cluster.ts';
import { badRequest, expired, notFound } from '../failures.ts';
import { at } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../store.ts';
import { send } from './answers.ts';
import type { ListOptions } from './options.ts';
import type { ListMeta, Representation } from './representation.ts';
import { select, selectionOf } from './selection.ts';

export function serveGet(
  store: Store,
  res: ServerResponse,
  kind: Kind,
  namespace: string,
  name: string,
  as: Representation,
): void {
  const entry = store.objects.get(kind, namespace, name);
  if (entry === undefined) throw notFound(kind, name);
  send(res, 200, as.one(entry));
}

/** A list, or one page of it. All pages show the state that the first one saw, or 410 when it is too long ago. */
export function serveList(
  store: Store,
  res: ServerResponse,
  kind: Kind,
  namespace: string,
  options: ListOptions,
  as: Representation,
): void {
  const selection = selectionOf(kind, namespace, options);
  const page = options.continue === undefined ? undefined : readContinue(options.continue);
  const version = page?.version ?? listVersion(store, options);
  const entries = store.objects.entriesAt(kind, version);
  if (entries === undefined) {
    throw page === undefined
      ? expired(`too old resource version: ${version} (${store.objects.oldestVersion})`)
      : expired('The provided continue parameter is too old to display a consistent list result. Start a new list.');
  }
  const found = select(entries, selection, page?.after);
  const shown = options.limit === undefined ? found : found.slice(0, options.limit);
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
  send(res, 200, json);
}

/** The version whose state is shown. Throws StatusError 504 for one that is still to come. */
function listVersion(store: Store, { resourceVersion, resourceVersionMatch }: ListOptions): number {
  const present = store.objects.version;
  if (resourceVersion === undefined) return present;
  refuseFuture(resourceVersion, present);
  return resourceVersionMatch === 'Exact' ? resourceVersion : present;
}

export function refuseFuture(version: number, present: number): void {
  if (version <= present) return;
  throw new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${version}, current: ${present}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}

/** Where the next page begins: the version of the first page and the last key that was shown. */
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
