import { StringDecoder } from 'node:string_decoder';
import type { Transport } from './transport.ts';
import { KubernetesUnavailable, type ResourceType, type WatchEvent, type WatchOptions } from './types.ts';

/** Maximum length of an event, for an object of the maximum size in etcd with its managedFields. */
const eventLimitChars = 8 * 1024 * 1024;

/** The watch is invalid or did not end in time. Events may have been lost, so the next request must be a list. */
export class InvalidWatch extends KubernetesUnavailable {}

/** Requests a watch and yields its events: see `KubernetesConnection.watch`. */
export async function* watchEvents(
  transport: Transport,
  path: string,
  type: ResourceType,
  { timeoutSeconds, limitMs, onOpen, ...options }: WatchOptions,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const describe = `watch ${type.plural}`;
  const overdue = new AbortController();
  // New data does not extend the limit, because a proxy may keep the connection open after the API server has failed.
  const timer = setTimeout(() => overdue.abort(), limitMs);
  const chunks = transport.stream(
    {
      describe,
      method: 'GET',
      path,
      query: { ...options, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(timeoutSeconds) },
      limitBytes: 1024 * 1024,
      ...(onOpen && { onOpen }),
    },
    AbortSignal.any([signal, overdue.signal]),
  );
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of chunks) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > eventLimitChars) throw new InvalidWatch(`${describe}: an event is too large`);
      for (const line of lines) if (line.trim() !== '') yield parseEvent(line, describe);
    }
  } catch (error) {
    if (signal.aborted || !overdue.signal.aborted) throw error;
    throw new InvalidWatch(`${describe}: still open after ${limitMs} ms, so its connection is dead`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(line: string, describe: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new InvalidWatch(`${describe}: an event is not JSON`, { cause });
  }
  if (
    event === null ||
    typeof event !== 'object' ||
    !('type' in event) ||
    typeof event.type !== 'string' ||
    !('object' in event)
  ) {
    throw new InvalidWatch(`${describe}: a line is not a watch event`);
  }
  return { type: event.type, object: event.object };
}
