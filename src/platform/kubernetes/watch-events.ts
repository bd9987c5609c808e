import { StringDecoder } from 'node:string_decoder';
import type { Transport } from './transport.ts';
import { KubernetesUnavailable, type ListOptions, type ResourceType, type WatchEvent } from './types.ts';

/** The longest event: an object at etcd's limit, with room. */
const eventLimitChars = 8 * 1024 * 1024;

/** What came is not a watch event: the stream cannot be trusted any further, and something may have been missed. */
export class WatchNonsense extends KubernetesUnavailable {}

/** Asks for a watch and cuts the answer into events. The contract is `KubernetesConnection.watch`. */
export async function* watchEvents(
  transport: Transport,
  path: string,
  type: ResourceType,
  {
    timeoutSeconds,
    silenceMs,
    ...options
  }: ListOptions & { resourceVersion: string; timeoutSeconds: number; silenceMs: number },
  signal: AbortSignal,
): AsyncIterable<WatchEvent> {
  const describe = `watch ${type.plural}`;
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort(new KubernetesUnavailable(`${describe}: nothing came for ${silenceMs} ms, the connection is dead`));
  }, silenceMs);
  const chunks = transport.stream(
    {
      describe,
      method: 'GET',
      path,
      query: { ...options, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds: String(timeoutSeconds) },
      limitBytes: 1024 * 1024,
    },
    AbortSignal.any([signal, silence.signal]),
  );
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of chunks) {
      timer.refresh();
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > eventLimitChars) throw new WatchNonsense(`${describe}: an event is too large`);
      for (const line of lines) if (line.trim() !== '') yield parseEvent(line, describe);
    }
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
