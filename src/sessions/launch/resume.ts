import type { Logger } from 'pino';
import { translateError } from '../../error-translation.ts';
import { ApiError, errorKind } from '../../errors.ts';
import type { Identity } from '../../identity/types.ts';
import { isEnding } from '../../jupyter-server/agent.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { isPending } from '../../jupyter-server/stop-request.ts';
import type { Deadline } from '../../lib/deadline.ts';
import { owns } from '../read/ownership.ts';
import type { SessionStore } from '../read/store.ts';
import type { SessionSecrets } from './session-secrets.ts';

/** Maximum number of attempts. A retry follows if another client, usually the operator, has changed the session. */
const attempts = 10;

/**
 * Resumes a hibernated session that a launch has found: writes the Secrets with the caller's present tokens, and then the
 * field that makes the operator start a pod. An interrupted call leaves the session hibernated, and the next launch repeats
 * both steps. Returns the session, which is starting; if it no longer is the caller's, the given session. Throws ApiError.
 */
export async function resumeSession(
  { store, secrets, log }: { readonly store: SessionStore; readonly secrets: SessionSecrets; readonly log: Logger },
  identity: Identity,
  known: Session,
  deadline: Deadline,
): Promise<Session> {
  const message = `The session ${known.name} could not be resumed.`;
  let isRenewed = false;
  for (let attempt = 1; attempt <= attempts && !deadline.expired; attempt += 1) {
    const read = await store.refresh(known, deadline);
    if (!read || !owns(identity, read.session)) return known;
    const { session, object } = read;
    if (isEnding(session) || !(session.isHibernated || isPending(session.stopRequest))) return session;
    if (!isRenewed) {
      const kept = await secrets.renew(session, object, identity, deadline);
      if (kept.length > 0) log.warn({ session: session.name, secrets: kept }, 'a resume did not renew all credentials');
      isRenewed = true;
    }
    try {
      const resumed = await store.resume(session, deadline);
      if (resumed) {
        log.info({ session: session.name, namespace: session.namespace }, 'session resumed');
        return resumed;
      }
    } catch (error) {
      throw translateError(error, { message }) ?? error;
    }
  }
  throw new ApiError(errorKind.intermittent, message);
}
