import type { Dependency } from './routes.ts';

/** What is known of the Kubernetes API by following it. Times are milliseconds since the epoch. */
export interface FollowedApi {
  /** Everything was listed once. */
  readonly synced: boolean;
  /** Of the last answer, errors included. */
  readonly lastContactAt: number | undefined;
  /** Of when all sessions were last known to be as the API has them. */
  readonly lastCurrentAt: number | undefined;
}

/**
 * A quiet API server answers every 30 s, because it ends each watch then; a dead connection is noticed 5 s later, and
 * what follows it must be given time, so that one lost connection does not make a replica unready.
 */
const defaultSilenceLimitMs = 60_000;

/** Not ready before all sessions are known, and when they were last known to be current longer ago than the limit. */
export function kubernetesDependency(api: FollowedApi, silenceLimitMs = defaultSilenceLimitMs): Dependency {
  return {
    name: 'kubernetes',
    required: true,
    state() {
      if (!api.synced) return { ready: false, detail: 'the sessions have not been listed yet' };
      const now = Date.now();
      const ageMs = now - (api.lastCurrentAt ?? now);
      const seconds = Math.max(0, Math.round(ageMs / 1000));
      if (ageMs < silenceLimitMs) return { ready: true, detail: `all sessions are known, as of ${seconds} s ago` };
      const isSilent = now - (api.lastContactAt ?? 0) >= silenceLimitMs;
      const reason = isSilent ? 'has not answered' : 'has only answered with errors';
      return { ready: false, detail: `the Kubernetes API ${reason} for ${seconds} s` };
    },
  };
}
