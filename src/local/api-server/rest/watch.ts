import { expired } from '../failures.ts';
import { deepFreeze } from '../json.ts';
import type { Change, Entry } from '../versioned-objects.ts';
import { readListOptions } from './options.ts';
import { rejectFutureVersion } from './read.ts';
import type { ResourceRequest } from './request.ts';
import { statusOf } from './responses.ts';
import { select, selectionOf } from './selection.ts';

const BOOKMARK_INTERVAL_MS = 60_000;
/** A watch without `timeoutSeconds` ends after a random time between this and twice this, as in Kubernetes. */
const DEFAULT_TIMEOUT_MS = 1_800_000;
/** Timers of Node.js take at most 2^31 - 1 ms. */
const MAX_TIMEOUT_MS = 2_000_000_000;

/**
 * Sends changes as lines of JSON until the timeout, until the client closes the connection or until the returned function
 * is called. The stream has no queue: it has a position in the store's history and continues when the socket is writable.
 * If a client reads so slowly that the history no longer contains its position, the connection is closed; the client must
 * list again.
 */
export function serveWatch({ store, res, kind, namespace, query, as }: ResourceRequest): () => void {
  const { objects } = store;
  const options = readListOptions(query);
  const selection = selectionOf(kind, namespace, options);
  if (options.resourceVersion !== undefined) rejectFutureVersion(options.resourceVersion, objects.version);
  const initial = (options.resourceVersion === undefined ? select(objects.entries(kind), selection) : []).values();
  let initialSent = false;
  /** Changes up to this version have been sent. */
  let version = options.resourceVersion ?? objects.version;
  let isFirstEvent = true;
  let ended = false;

  const unsubscribe = objects.subscribe(sendChanges);
  const timeout = setTimeout(finish, timeoutMs(options.timeoutSeconds));
  const bookmarks = setInterval(sendBookmark, BOOKMARK_INTERVAL_MS);
  res.on('drain', sendChanges);
  res.on('close', release);
  res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  res.flushHeaders();
  sendChanges();
  return finish;

  function release(): void {
    ended = true;
    unsubscribe();
    clearTimeout(timeout);
    clearInterval(bookmarks);
    res.off('drain', sendChanges);
  }

  /** Sends the initial objects and then changes, until all are sent or the socket's buffer is full. */
  function sendChanges(): void {
    if (ended) return;
    if (res.writableNeedDrain) {
      if (version < objects.oldestVersion) res.destroy();
      return;
    }
    if (!sendInitial()) return;
    const changes = objects.changesSince(version);
    if (changes === undefined) {
      const error = expired(`too old resource version: ${version} (${objects.oldestVersion})`);
      end(`${JSON.stringify({ type: 'ERROR', object: statusOf(error) })}\n`);
      return;
    }
    const newest = objects.version;
    for (const change of changes) {
      version = change.entry.version;
      const line = change.kind === kind ? lineOf(change) : undefined;
      if (line !== undefined && !res.write(line)) return;
    }
    version = newest;
  }

  /** Returns false if initial objects remain because the socket's buffer is full. */
  function sendInitial(): boolean {
    while (!initialSent) {
      const { value, done } = initial.next();
      if (done) initialSent = true;
      else if (!res.write(eventLine('ADDED', value[1]))) return false;
    }
    return true;
  }

  function lineOf({ type, entry, previous }: Change): string | undefined {
    const matched = previous !== undefined && selection.matches(previous.object);
    if (type === 'DELETED') return matched ? eventLine('DELETED', entry) : undefined;
    if (selection.matches(entry.object)) return eventLine(matched ? 'MODIFIED' : 'ADDED', entry);
    // An object that stops matching is sent as DELETED: the last matching state, with the version of the change.
    return matched ? eventLine('DELETED', atVersion(previous, entry.version)) : undefined;
  }

  function eventLine(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry): string {
    const line = as.event(type, entry, isFirstEvent);
    isFirstEvent = false;
    return line;
  }

  function sendBookmark(): void {
    const isCurrent = initialSent && version === objects.version;
    if (ended || !options.allowWatchBookmarks || !isCurrent || res.writableNeedDrain) return;
    res.write(as.bookmark(version));
  }

  function finish(): void {
    sendBookmark();
    end();
  }

  function end(lastLine = ''): void {
    if (ended) return;
    release();
    // `end` would wait until the client reads, and the client may never read.
    if (res.writableNeedDrain) res.destroy();
    else res.end(lastLine);
  }
}

function atVersion(entry: Entry, version: number): Entry {
  const metadata = { ...entry.object.metadata, resourceVersion: String(version) };
  const object = deepFreeze({ ...entry.object, metadata });
  return { object, text: JSON.stringify(object), version, writtenAt: entry.writtenAt };
}

function timeoutMs(seconds: number | undefined): number {
  if (seconds === undefined || seconds <= 0) return DEFAULT_TIMEOUT_MS * (1 + Math.random());
  return Math.min(seconds * 1000, MAX_TIMEOUT_MS);
}
