import type { Session } from '../jupyter-server/session.ts';
import { Deadline } from '../lib/deadline.ts';
import { type KubernetesConnection, KubernetesError, KubernetesUnavailable } from '../platform/kubernetes/types.ts';
import { podOf } from './containers.ts';
import { type Line, splitLines } from './lines.ts';

/** Milliseconds without data after which a read of existing lines fails. */
const defaultSilenceMs = 5_000;

export interface SourceParts {
  readonly client: Pick<KubernetesConnection, 'podLogStream'>;
  /** Returns whether the session still exists, by a live read. */
  readonly isCurrent: (session: Session, deadline: Deadline) => Promise<boolean>;
  /** 5,000 by default. */
  readonly maxSilenceMs?: number;
}

export interface ReadOptions {
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  /** RFC 3339, without fractions of a second. */
  readonly sinceTime?: string | undefined;
}

/** The session does not exist any more; another user may have a session of the same name. */
export class SessionGone extends Error {
  override readonly name = 'SessionGone';
}

/** Yields the lines of one container's log in batches. Throws SessionGone, KubernetesError and KubernetesUnavailable. */
export type ReadLog = (
  session: Session,
  container: string,
  options: ReadOptions,
  signal: AbortSignal,
) => AsyncGenerator<Line[]>;

/**
 * Returns the function through which all log streams read. The API server finds a pod by its name, and the pod of a later
 * session can have the same name. The session is therefore read live before the first line is returned: if it still exists,
 * the pod was its pod when the connection was opened.
 */
export function createLogSource({ client, isCurrent, maxSilenceMs = defaultSilenceMs }: SourceParts): ReadLog {
  return async function* read(session, container, { follow = false, ...options }, signal) {
    const { namespace, name } = podOf(session);
    const silence = new AbortController();
    const stop = AbortSignal.any([signal, silence.signal]);
    const bytes = client.podLogStream(namespace, name, { container, follow, ...options }, stop);
    let isConfirmed = false;
    for await (const lines of splitLines(follow ? bytes : withoutSilence(bytes, maxSilenceMs, silence))) {
      if (!isConfirmed && !(await isCurrent(session, Deadline.after(maxSilenceMs, signal)))) throw new SessionGone();
      isConfirmed = true;
      yield lines;
    }
  };
}

/** Aborts `silence` if the next bytes do not arrive in time. The time that the reader needs does not count. */
async function* withoutSilence(
  bytes: AsyncIterable<Buffer>,
  maxSilenceMs: number,
  silence: AbortController,
): AsyncGenerator<Buffer> {
  const startTimer = (): NodeJS.Timeout =>
    setTimeout(() => {
      silence.abort(new KubernetesUnavailable(`no data of a log arrived within ${maxSilenceMs} ms`));
    }, maxSilenceMs);
  let timer = startTimer();
  try {
    for await (const chunk of bytes) {
      clearTimeout(timer);
      yield chunk;
      timer = startTimer();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Returns whether there is no log yet: the container waits, has no previous run, or the pod does not exist. */
export function isNoLog(error: unknown): boolean {
  return error instanceof KubernetesError && [400, 404].includes(error.status);
}
