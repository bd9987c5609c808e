import type { Logger } from 'pino';
import { translateError } from '../error-translation.ts';
import { errorKind } from '../errors.ts';
import type { Session } from '../jupyter-server/session.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { KubernetesClient, PodLogOptions } from '../platform/kubernetes/types.ts';
import { chosenContainers, type PodName, podOf } from './containers.ts';
import { type Instant, parseInstant, wholeSecond } from './instant.ts';
import { isNoLog } from './source.ts';

/** Maximum size of the logs of all containers in one response, which is held in memory. */
const totalLimitBytes = 8 * 2 ** 20;

/** Replaces a log that could not be read, so that the response can contain the others. */
export const unreadable = '[The log of this container cannot be read at present. Try again.]\n';

export interface LogQuery {
  /** Number of last lines per container. */
  readonly maxLines: number;
  /** One container; undefined means all. */
  readonly container: string | undefined;
  /** Read the log before the last restart. */
  readonly previous: boolean;
  readonly since: Instant | undefined;
}

/**
 * Returns the last lines of each container, with a timestamp before each line; init containers first. Containers without
 * lines are omitted, and a log that cannot be read is replaced by `unreadable`. Reads all containers in parallel.
 * Throws ApiError 3000 if no log can be read, and 1422 if the session has no such container.
 */
export async function readLogs(
  client: KubernetesClient,
  session: Session,
  { maxLines, container: requested, previous, since }: LogQuery,
  deadline: Deadline,
  log: Logger,
): Promise<Record<string, string>> {
  const containers = chosenContainers(session, requested);
  if (maxLines === 0 || containers.length === 0) return {};
  const { name } = session;
  const pod = podOf(session);
  const limitBytes = Math.floor(totalLimitBytes / containers.length);
  // If a container does not respond, there must be time for a response with the others.
  const readDeadline = deadline.within(deadline.remaining() * 0.8);

  const read = await Promise.all(
    containers.map(async (container) => {
      try {
        const options = { container, previous, sinceTime: since && wholeSecond(since) };
        const text = await lastLines(client, pod, options, maxLines, limitBytes, readDeadline);
        return { container, text: since === undefined ? text : linesSince(text, since) };
      } catch (err) {
        if (isNoLog(err)) return { container, text: '' };
        log.warn({ err, session: name, container }, 'a log could not be read');
        return { container, text: unreadable, err };
      }
    }),
  );
  const failed = read.filter(({ err }) => err !== undefined);
  if (failed.length === read.length) {
    const cause = failed[0]?.err;
    const { intermittent } = errorKind;
    const kinds = { rejected: intermittent, unavailable: intermittent, forbidden: intermittent };
    throw translateError(cause, { message: `The logs of ${name} could not be read.`, kinds }) ?? cause;
  }
  return Object.fromEntries(read.filter(({ text }) => text !== '').map(({ container, text }) => [container, text]));
}

/**
 * Returns the last lines of a log. The API server selects the lines first and then cuts the newest ones to meet the byte
 * limit, so a result that was cut is read again with half the number of lines that fitted.
 */
async function lastLines(
  client: KubernetesClient,
  pod: PodName,
  options: PodLogOptions,
  lines: number,
  limitBytes: number,
  deadline: Deadline,
): Promise<string> {
  const read = (tailLines: number): Promise<string> =>
    client.podLog(pod.namespace, pod.name, { ...options, tailLines, timestamps: true, limitBytes }, deadline);
  const text = await read(lines);
  if (Buffer.byteLength(text) < limitBytes) return text;
  const fitted = text.split('\n').length - 1;
  return fitted < 2 ? text : read(Math.floor(fitted / 2));
}

/** Removes lines before `since`: the API server accepts only whole seconds. */
function linesSince(text: string, since: Instant): string {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => (parseInstant(line.split(' ', 1)[0] ?? '') ?? '') >= since);
  return first === -1 ? '' : lines.slice(first).join('\n');
}
