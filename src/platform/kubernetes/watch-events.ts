import { StringDecoder } from 'node:string_decoder';
import type { Transport } from './transport.ts';
import { KubernetesUnavailable, type ResourceType, type WatchEvent, type WatchOptions } from './types.ts';

/** The longest event: an object at etcd's limit, with room. */
const eventLimitChars = 8 * 1024 * 1024;

/** The stream cannot be trusted any further, and something may have been missed: what came is not a watch event, or nothing ends it. */
export class WatchNonsense extends KubernetesUnavailable {}

/** Asks for a watch and cuts the answer into events. The contract is `KubernetesConnection.watch`. */
export async function* watchEvents(
  transport: Transport,
  path: string,
  type: ResourceType,
  { timeoutSeconds, limitMs, onOpen, ...options }: WatchOptions,
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const describe = `watch ${type.plural}`;
  const overdue = new AbortController();
  // Not prolonged by what arrives: a proxy can keep a connection alive whose other end is dead.
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
      if (rest.length > eventLimitChars) throw new WatchNonsense(`${describe}: an event is too large`);
      for (const line of lines) if (line.trim() !== '') yield parseEvent(line, describe);
    }
  } catch (error) {
    if (signal.aborted || !overdue.signal.aborted) throw error;
    throw new WatchNonsense(`${describe}: not over after ${limitMs} ms, the connection is dead`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(line: string, describe: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new WatchNonsense(`${describe}: an event is not JSON`, { cause });
  }
  if (
    event === null ||
    typeof event !== 'object' ||
    !('type' in event) ||
    typeof event.type !== 'string' ||
    !('object' in event)
  ) {
    throw new WatchNonsense(`${describe}: something that is no event came`);
  }
  return { type: event.type, object: event.object };
}
