import type { Logger } from 'pino';
import { translateError } from '../error-translation.ts';
import { errorKind } from '../errors.ts';
import type { Session } from '../jupyter-server/session.ts';
import type { Deadline } from '../lib/deadline.ts';
import type { KubernetesClient, PodLogOptions } from '../platform/kubernetes/types.ts';
import { chosenContainers, type PodName, podOf } from './containers.ts';
import { type Instant, parseInstant, wholeSecond } from './instant.ts';
import { isNoLog } from './source.ts';

/** All containers together. An answer of more would help nobody, and would have to fit into memory. */
const totalLimitBytes = 8 * 2 ** 20;

/** Stands in the place of a log that could not be read, so that the others can be answered. */
export const unreadable = '[The log of this container cannot be read at the moment. Try again.]\n';

export interface LogQuery {
  /** Per container. */
  readonly maxLines: number;
  /** One container; undefined: all. */
  readonly container: string | undefined;
  /** The log of the run before the last restart. */
  readonly previous: boolean;
  readonly since: Instant | undefined;
}

/**
 * The last lines of each container that has written something, init containers first, with the time of each line.
 * Containers are read at the same time; one that has no log (400, 404) is left out, one that cannot be read says so.
 * Throws ApiError 3000 when none can be read, 1422 for a container that the session does not have.
 */
export async function readLogs(
  client: KubernetesClient,
  session: Session,
  { maxLines, container: wanted, previous, since }: LogQuery,
  deadline: Deadline,
  log: Logger,
): Promise<Record<string, string>> {
  const containers = chosenContainers(session, wanted);
  if (maxLines === 0 || containers.length === 0) return {};
  const { name } = session;
  const pod = podOf(session);
  const limitBytes = Math.floor(totalLimitBytes / containers.length);
  // A container that does not answer must leave time to answer with the others.
  const each = deadline.within(deadline.remaining() * 0.8);

  const read = await Promise.all(
    containers.map(async (container) => {
      try {
        const options = { container, previous, sinceTime: since && wholeSecond(since) };
        const text = await lastLines(client, pod, options, maxLines, limitBytes, each);
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
 * The API server finds the lines first and cuts them to the limit afterwards, at the wrong end: the newest are lost. So
 * what was cut is asked for again, with half as many lines as fitted.
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

/** The API server takes whole seconds. */
function linesSince(text: string, since: Instant): string {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => (parseInstant(line.split(' ', 1)[0] ?? '') ?? '') >= since);
  return first === -1 ? '' : lines.slice(first).join('\n');
}
