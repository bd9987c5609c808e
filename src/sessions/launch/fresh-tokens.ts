import type { Logger } from 'pino';
import type { Identity } from '../../identity/types.ts';
import { agentAccess, isReachable } from '../../jupyter-server/agent.ts';
import type { Session } from '../../jupyter-server/session.ts';
import { Deadline } from '../../lib/deadline.ts';
import { AgentFailure, type SessionAgents } from '../../platform/session-agent/types.ts';

/**
 * Gives running sessions the tokens of a request, so that git in the session works after those of the launch have expired. The agent
 * passes them on to the git proxy, which keeps them in memory and renews its former ones by itself: so a failure has no effect on the
 * request.
 */
export interface FreshTokens {
  /** Resolves when the agent has the tokens, or has not taken them in time. */
  give(identity: Identity, session: Session, deadline: Deadline): Promise<void>;
  /** Starts to give the tokens, unless that is in progress for this session. */
  giveLater(identity: Identity, session: Session): void;
  /** Aborts what `giveLater` has started. Resolves when that has ended. */
  stop(): Promise<void>;
}

/** Milliseconds that a request waits for the agent. */
const timeoutMs = 2_000;

export function createFreshTokens(
  agents: Pick<SessionAgents, 'putTokens'>,
  secrets: readonly string[],
  log: Logger,
): FreshTokens {
  const inProgress = new Map<string, Promise<void>>();
  const stopping = new AbortController();

  async function give(identity: Identity, session: Session, deadline: Deadline): Promise<void> {
    const access = agentAccess(session, secrets);
    if (!isReachable(access) || identity.kind !== 'registered') return;
    const { accessToken, refreshToken, git } = identity;
    if (git.token === null) return;
    const tokens = {
      ...{ gitToken: git.token, gitTokenExpiresAt: git.tokenExpiresAt, accessToken },
      ...(refreshToken === null ? {} : { refreshToken }),
    };
    try {
      await agents.putTokens(access, tokens, deadline.within(timeoutMs));
    } catch (err) {
      if (!(err instanceof AgentFailure)) throw err;
      log.warn({ session: session.name, reason: err.reason }, 'a running session did not get new tokens');
    }
  }

  return {
    give,
    giveLater(identity, session) {
      const { uid, name } = session;
      if (inProgress.has(uid) || stopping.signal.aborted) return;
      const given = give(identity, session, Deadline.after(timeoutMs, stopping.signal))
        .catch((err: unknown) => {
          if (!stopping.signal.aborted) log.error({ err, session: name }, 'giving a session new tokens failed');
        })
        .finally(() => inProgress.delete(uid));
      inProgress.set(uid, given);
    },
    async stop() {
      stopping.abort();
      await Promise.all(inProgress.values());
    },
  };
}
