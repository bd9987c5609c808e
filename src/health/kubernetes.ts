import type { Dependency } from './routes.ts';

/** The state of the session cache. Times are milliseconds since the epoch. */
export interface FollowedApi {
  /** All sessions have been listed once. */
  readonly synced: boolean;
  /** The time of the last response of the Kubernetes API, errors included. */
  readonly lastContactAt: number | undefined;
  /** The time at which the cache was last known to match the Kubernetes API. */
  readonly lastCurrentAt: number | undefined;
}

/**
 * The API server ends each watch after 30 s, so it responds at least this often. A dead connection is noticed 5 s later,
 * and a new connection needs time: one lost connection must not make a replica unready.
 */
const defaultSilenceLimitMs = 60_000;

/** Returns the readiness of the cache: not ready before the first list, nor when the cache was current too long ago. */
export function kubernetesDependency(api: FollowedApi, silenceLimitMs = defaultSilenceLimitMs): Dependency {
  return {
    name: 'kubernetes',
    required: true,
    state() {
      if (!api.synced) return { ready: false, detail: 'the sessions are not listed yet' };
      const now = Date.now();
      const ageMs = now - (api.lastCurrentAt ?? now);
      const seconds = Math.max(0, Math.round(ageMs / 1000));
      if (ageMs < silenceLimitMs) return { ready: true, detail: `the list of sessions was current ${seconds} s ago` };
      const isSilent = now - (api.lastContactAt ?? 0) >= silenceLimitMs;
      const reason = isSilent ? 'has not responded' : 'has responded with errors only';
      return { ready: false, detail: `the Kubernetes API ${reason} for ${seconds} s` };
    },
  };
}
