import type { Session } from '../jupyter-server/session.ts';
import { Deadline } from '../lib/deadline.ts';
import { type KubernetesConnection, KubernetesError, KubernetesUnavailable } from '../platform/kubernetes/types.ts';
import { podOf } from './containers.ts';
import { type Line, splitLines } from './lines.ts';

/** A log that is not followed is there; if nothing comes for this long, nothing will. */
const silenceMs = 5_000;

export interface SourceParts {
  readonly client: Pick<KubernetesConnection, 'podLogStream'>;
  /** By a live read: whether the session of this name is still this one. */
  readonly isCurrent: (session: Session, deadline: Deadline) => Promise<boolean>;
}

export interface ReadOptions {
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  /** RFC 3339, a whole second. */
  readonly sinceTime?: string | undefined;
}

/** The session has gone, and its name may be somebody else's by now. */
export class SessionGone extends Error {
  override readonly name = 'SessionGone';
}

/** Reads one container's log, line by line. */
export type ReadLog = (
  session: Session,
  container: string,
  options: ReadOptions,
  signal: AbortSignal,
) => AsyncGenerator<Line[]>;

/**
 * The only way from here to a pod's log. A pod is known by its name alone, and the next session of that name has a pod
 * of the same name. So before the first line is given out the session is read live: that it is still this one means that
 * the pod was its pod when the connection was made. Throws SessionGone, and what the client throws.
 */
export function createLogSource({ client, isCurrent }: SourceParts): ReadLog {
  return async function* read(session, container, { follow = false, ...options }, signal) {
    const { namespace, name } = podOf(session);
    const silence = new AbortController();
    const either = AbortSignal.any([signal, silence.signal]);
    const bytes = client.podLogStream(namespace, name, { container, follow, ...options }, either);
    let isConfirmed = false;
    for await (const lines of splitLines(follow ? bytes : withoutSilence(bytes, silence))) {
      if (!isConfirmed && !(await isCurrent(session, Deadline.after(silenceMs, signal)))) throw new SessionGone();
      isConfirmed = true;
      yield lines;
    }
  };
}

/** Aborts when the next bytes are awaited for too long; how long the reader takes with them does not count. */
async function* withoutSilence(bytes: AsyncIterable<Buffer>, silence: AbortController): AsyncGenerator<Buffer> {
  const wait = (): NodeJS.Timeout =>
    setTimeout(() => {
      silence.abort(new KubernetesUnavailable(`a log did not come within ${silenceMs} ms`));
    }, silenceMs);
  let timer = wait();
  try {
    for await (const chunk of bytes) {
      clearTimeout(timer);
      yield chunk;
      timer = wait();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** There is no log (yet): the container waits, or has no previous run, or the pod is not there. */
export function isNoLog(error: unknown): boolean {
  return error instanceof KubernetesError && [400, 404].includes(error.status);
}
