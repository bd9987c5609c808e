import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type NodeAgent, StatusError } from '../../cluster.ts';
import { badRequest, notFound } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, objectsIn, type StoredObject } from '../json.ts';
import type { Store } from '../store.ts';
import { boolean, integer } from './options.ts';

type LogOptions = Parameters<NodeAgent['logs']>[1];

/** The response starts with the first line or after this time. An earlier error is sent as a Status. */
const FIRST_LINE_MS = 200;

/** Sends a container's log as text, until `signal` aborts. */
export async function servePodLog(
  store: Store,
  nodeOf: () => NodeAgent,
  res: ServerResponse,
  pod: { namespace: string; name: string },
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<void> {
  const options = readLogOptions(pod.name, query);
  const entry = store.objects.get(store.kinds.pods, pod.namespace, pod.name);
  if (entry === undefined) throw notFound(store.kinds.pods, pod.name);
  const container = chooseContainer(entry.object, options.container);
  const disconnected = new AbortController();
  res.on('close', () => disconnected.abort());
  const ended = AbortSignal.any([signal, disconnected.signal]);
  const lines = nodeOf()
    .logs(pod, { ...options, container }, ended)
    [Symbol.asyncIterator]();
  try {
    const first = lines.next();
    await settledOrTimeout(first);
    res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' });
    res.flushHeaders();
    await copy(lines, first, res, options.limitBytes ?? Number.POSITIVE_INFINITY, ended);
    res.end();
  } catch (error) {
    // The client has disconnected or the server is closing. An error of the aborted iterator is then expected.
    if (!ended.aborted) throw error;
    res.destroy();
  } finally {
    disconnected.abort();
    await lines.return?.();
  }
}

async function copy(
  lines: AsyncIterator<string>,
  first: Promise<IteratorResult<string>>,
  res: ServerResponse,
  limit: number,
  signal: AbortSignal,
): Promise<void> {
  let left = limit;
  for (let next = await first; !next.done && !signal.aborted; next = await lines.next()) {
    const bytes = Buffer.from(next.value);
    const accepted = res.write(bytes.subarray(0, left));
    left -= bytes.length;
    if (left <= 0) return;
    if (!accepted) await once(res, 'drain', { signal });
  }
}

/** Resolves when `promise` resolves or after FIRST_LINE_MS; rejects if `promise` rejects before that. */
async function settledOrTimeout(promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FIRST_LINE_MS);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function readLogOptions(pod: string, query: URLSearchParams): LogOptions {
  const errors: FieldError[] = [];
  const options: LogOptions = {
    follow: boolean(query, 'follow'),
    previous: boolean(query, 'previous'),
    timestamps: boolean(query, 'timestamps'),
  };
  const container = query.get('container');
  if (container) options.container = container;
  for (const [name, minimum] of [
    ['tailLines', 0],
    ['sinceSeconds', 1],
    ['limitBytes', 1],
  ] as const) {
    const value = integer(query, name);
    if (value === undefined) continue;
    if (value < minimum) errors.push(fieldError.invalid(name, value, `must be greater than or equal to ${minimum}`));
    else options[name] = value;
  }
  const sinceTime = query.get('sinceTime');
  if (sinceTime) {
    if (!/^\d{4}-\d\d-\d\dT/.test(sinceTime) || Number.isNaN(Date.parse(sinceTime))) {
      throw badRequest(`sinceTime: ${JSON.stringify(sinceTime)} is not an RFC 3339 time`);
    }
    options.sinceTime = sinceTime;
    if (options.sinceSeconds !== undefined) {
      errors.push(fieldError.forbidden('sinceTime', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    }
  }
  if (errors.length === 0) return options;
  const list = errors.map(({ field, message }) => `${field}: ${message}`).join(', ');
  throw new StatusError(422, 'Invalid', `PodLogOptions "${pod}" is invalid: ${list}`, {
    name: pod,
    kind: 'PodLogOptions',
    causes: errors,
  });
}

/** Returns the container to read: `requested`, or the only container. Throws StatusError 400. */
function chooseContainer(pod: StoredObject, requested: string | undefined): string {
  const [containers, init] = [namesOf(pod, 'containers'), namesOf(pod, 'initContainers')];
  const name = pod.metadata.name ?? '';
  if (requested !== undefined) {
    if (containers.includes(requested) || init.includes(requested)) return requested;
    throw badRequest(`container ${requested} is not valid for pod ${name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only;
  const more = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  const choice = `choose one of: [${containers.join(' ')}]${more}`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choice}`);
}

function namesOf(pod: StoredObject, field: 'containers' | 'initContainers'): string[] {
  return objectsIn(at(pod, 'spec', field)).map(({ name }) => String(name));
}
