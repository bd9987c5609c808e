import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type NodeAgent, StatusError } from '../../cluster.ts';
import { badRequest, notFound } from '../failures.ts';
import { type FieldError, fieldError } from '../field-errors.ts';
import { at, isObject, type StoredObject } from '../json.ts';
import type { Store } from '../store.ts';
import { boolean, integer } from './options.ts';

type LogOptions = Parameters<NodeAgent['logs']>[1];

/** How long a log may stay silent before the answer begins. An error that comes sooner is sent as a Status. */
const FIRST_LINE_MS = 200;

/** Streams a container's log as text; `signal` ends it. */
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
  const container = chosenContainer(entry.object, options.container);
  const gone = new AbortController();
  res.on('close', () => gone.abort());
  const either = AbortSignal.any([signal, gone.signal]);
  const lines = nodeOf()
    .logs(pod, { ...options, container }, either)
    [Symbol.asyncIterator]();
  try {
    const first = lines.next();
    await soonOrSettled(first);
    res.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' });
    res.flushHeaders();
    await copy(lines, first, res, options.limitBytes ?? Number.POSITIVE_INFINITY, either);
    res.end();
  } catch (error) {
    // The reader has gone, or the server is closing: an iterator that is cut short then may fail as it likes.
    if (!either.aborted) throw error;
    res.destroy();
  } finally {
    gone.abort();
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

/** Resolves when `promise` has a result or a while has passed; rejects when it rejects before that. */
async function soonOrSettled(promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const soon = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FIRST_LINE_MS);
  });
  try {
    await Promise.race([promise, soon]);
  } finally {
    clearTimeout(timer);
  }
}

function readLogOptions(pod: string, query: URLSearchParams): LogOptions {
  const problems: FieldError[] = [];
  const options: LogOptions = {
    follow: boolean(query, 'follow') ?? false,
    previous: boolean(query, 'previous') ?? false,
    timestamps: boolean(query, 'timestamps') ?? false,
  };
  const container = query.get('container');
  if (container) options.container = container;
  for (const [name, least] of [
    ['tailLines', 0],
    ['sinceSeconds', 1],
    ['limitBytes', 1],
  ] as const) {
    const value = integer(query, name);
    if (value === undefined) continue;
    if (value < least) problems.push(fieldError.invalid(name, value, `must be greater than or equal to ${least}`));
    else options[name] = value;
  }
  const sinceTime = query.get('sinceTime');
  if (sinceTime) {
    if (!/^\d{4}-\d\d-\d\dT/.test(sinceTime) || Number.isNaN(Date.parse(sinceTime))) {
      throw badRequest(`sinceTime: ${JSON.stringify(sinceTime)} is not an RFC 3339 time`);
    }
    options.sinceTime = sinceTime;
    if (options.sinceSeconds !== undefined) {
      problems.push(fieldError.forbidden('sinceTime', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
    }
  }
  if (problems.length === 0) return options;
  const list = problems.map(({ field, message }) => `${field}: ${message}`).join(', ');
  throw new StatusError(422, 'Invalid', `PodLogOptions "${pod}" is invalid: ${list}`, {
    name: pod,
    kind: 'PodLogOptions',
    causes: problems,
  });
}

function chosenContainer(pod: StoredObject, asked: string | undefined): string {
  const [containers, init] = [namesOf(pod, 'containers'), namesOf(pod, 'initContainers')];
  const name = pod.metadata.name ?? '';
  if (asked !== undefined) {
    if (containers.includes(asked) || init.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only;
  const more = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  const choice = `choose one of: [${containers.join(' ')}]${more}`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choice}`);
}

function namesOf(pod: StoredObject, field: 'containers' | 'initContainers'): string[] {
  const list = at(pod, 'spec', field);
  return (Array.isArray(list) ? list : []).filter(isObject).map((container) => String(container['name']));
}
