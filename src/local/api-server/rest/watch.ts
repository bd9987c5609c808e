import type { ServerResponse } from 'node:http';
import { expired } from '../failures.ts';
import { deepFreeze } from '../json.ts';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../store.ts';
import type { Change, Entry } from '../versioned-objects.ts';
import { statusOf } from './answers.ts';
import type { ListOptions } from './options.ts';
import { refuseFuture } from './read.ts';
import type { Representation } from './representation.ts';
import { type Selection, select, selectionOf } from './selection.ts';

const BOOKMARK_EVERY_MS = 60_000;
/** A watch without `timeoutSeconds` ends after a random time from this to twice this, as in a real API server. */
const DEFAULT_TIMEOUT_MS = 1_800_000;
/** Node's timers take no more than 2^31 - 1 ms. */
const LONGEST_TIMEOUT_MS = 2_000_000_000;

/**
 * Streams changes as lines of JSON until the time is over, the caller goes or the server closes; returns what ends it.
 * Nothing is queued: the stream has a place in the store's history and moves on when the socket takes more. A caller
 * that is so slow that its place falls out of the history loses the connection and has to list again.
 */
export function serveWatch(
  store: Store,
  res: ServerResponse,
  kind: Kind,
  namespace: string,
  options: ListOptions,
  as: Representation,
): () => void {
  const selection = selectionOf(kind, namespace, options);
  const { resourceVersion, sendInitialEvents } = options;
  if (resourceVersion !== undefined) refuseFuture(resourceVersion, store.objects.version);
  const fromTheStart = sendInitialEvents ?? resourceVersion === undefined;
  const stream = new WatchStream(store, res, kind, selection, as, {
    initial: fromTheStart ? select(store.objects.entries(kind), selection).map(([, entry]) => entry) : [],
    announceEnd: sendInitialEvents === true && options.allowWatchBookmarks,
    version: fromTheStart ? store.objects.version : (resourceVersion ?? store.objects.version),
    bookmarks: options.allowWatchBookmarks,
    timeoutMs: timeoutMs(options.timeoutSeconds),
  });
  return stream.start();
}

interface StreamOptions {
  initial: Entry[];
  announceEnd: boolean;
  version: number;
  bookmarks: boolean;
  timeoutMs: number;
}

class WatchStream {
  readonly #store: Store;
  readonly #res: ServerResponse;
  readonly #kind: Kind;
  readonly #selection: Selection;
  readonly #as: Representation;
  readonly #options: StreamOptions;
  readonly #initial: Iterator<Entry>;
  #initialDone = false;
  /** Changes up to this version have been sent. */
  #version: number;
  #first = true;
  #ended = false;
  #release: () => void = () => undefined;

  constructor(
    store: Store,
    res: ServerResponse,
    kind: Kind,
    selection: Selection,
    as: Representation,
    options: StreamOptions,
  ) {
    this.#store = store;
    this.#res = res;
    this.#kind = kind;
    this.#selection = selection;
    this.#as = as;
    this.#options = options;
    this.#initial = options.initial.values();
    this.#version = options.version;
  }

  start(): () => void {
    const res = this.#res;
    const unsubscribe = this.#store.objects.subscribe(() => this.#pump());
    const timeout = setTimeout(() => this.#finish(), this.#options.timeoutMs);
    const bookmarks = setInterval(() => this.#bookmark(), BOOKMARK_EVERY_MS);
    const drained = (): void => this.#pump();
    this.#release = () => {
      unsubscribe();
      clearTimeout(timeout);
      clearInterval(bookmarks);
      res.off('drain', drained);
    };
    res.on('drain', drained);
    res.on('close', () => {
      this.#ended = true;
      this.#release();
    });
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    res.flushHeaders();
    this.#pump();
    return () => this.#finish();
  }

  /** Sends what there is until the socket wants no more. */
  #pump(): void {
    if (this.#ended) return;
    if (this.#res.writableNeedDrain) {
      if (this.#version < this.#store.objects.oldestVersion) this.#res.destroy();
      return;
    }
    if (!this.#pumpInitial()) return;
    const changes = this.#store.objects.changesSince(this.#version);
    if (changes === undefined) {
      this.#fail();
      return;
    }
    const newest = this.#store.objects.version;
    for (const change of changes) {
      this.#version = change.entry.version;
      const line = change.kind === this.#kind ? this.#lineOf(change) : undefined;
      if (line !== undefined && !this.#res.write(line)) return;
    }
    this.#version = newest;
  }

  /** false: not all of the objects that were there at the start have been sent yet. */
  #pumpInitial(): boolean {
    if (this.#initialDone) return true;
    for (;;) {
      const { value, done } = this.#initial.next();
      if (done) break;
      if (!this.#res.write(this.#event('ADDED', value))) return false;
    }
    this.#initialDone = true;
    return !this.#options.announceEnd || this.#res.write(this.#as.bookmark(this.#version, true));
  }

  #lineOf({ type, entry, previous }: Change): string | undefined {
    const matched = previous !== undefined && this.#selection.matches(previous.object);
    if (type === 'DELETED') return matched ? this.#event('DELETED', entry) : undefined;
    const matches = this.#selection.matches(entry.object);
    if (matches) return this.#event(matched ? 'MODIFIED' : 'ADDED', entry);
    // It no longer matches: for this watch it is gone, as it was, with the version of the change.
    return matched ? this.#event('DELETED', atVersion(previous, entry.version)) : undefined;
  }

  #event(type: 'ADDED' | 'MODIFIED' | 'DELETED', entry: Entry): string {
    const line = this.#as.event(type, entry, this.#first);
    this.#first = false;
    return line;
  }

  #bookmark(): void {
    const caughtUp = this.#initialDone && this.#version === this.#store.objects.version;
    if (this.#ended || !this.#options.bookmarks || !caughtUp || this.#res.writableNeedDrain) return;
    this.#res.write(this.#as.bookmark(this.#version, false));
  }

  /** The history no longer holds what this watch asked to go on from. */
  #fail(): void {
    const error = expired(`too old resource version: ${this.#version} (${this.#store.objects.oldestVersion})`);
    this.#end(`${JSON.stringify({ type: 'ERROR', object: statusOf(error) })}\n`);
  }

  #finish(): void {
    this.#bookmark();
    this.#end();
  }

  #end(lastLine = ''): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    // A socket that takes nothing more would keep an orderly end waiting for ever.
    if (this.#res.writableNeedDrain) this.#res.destroy();
    else this.#res.end(lastLine);
  }
}

function atVersion(entry: Entry, version: number): Entry {
  const metadata = { ...entry.object.metadata, resourceVersion: String(version) };
  const object = deepFreeze({ ...entry.object, metadata });
  return { object, text: JSON.stringify(object), version, writtenAt: entry.writtenAt };
}

function timeoutMs(seconds: number | undefined): number {
  if (seconds === undefined || seconds <= 0) return DEFAULT_TIMEOUT_MS * (1 + Math.random());
  return Math.min(seconds * 1000, LONGEST_TIMEOUT_MS);
}
