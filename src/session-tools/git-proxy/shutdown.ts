export interface Shutdown {
  /** The agent has saved the work. Before SIGTERM, it may be the end of an earlier save. */
  saved(): void;
  /** SIGTERM: resolves when the proxy may end. */
  allowed(): Promise<void>;
}

export interface ShutdownOptions {
  readonly waitForAgent: boolean;
  readonly graceMs: number;
  /** Number of requests in progress. */
  readonly active: () => number;
  readonly now?: () => number;
}

/**
 * The agent's hook and SIGTERM of the proxy begin at the same time, so a fast agent is done before the proxy gets SIGTERM. A
 * request that is older than this belongs to an earlier save.
 */
const rememberMs = 60_000;
/** After a remembered request, the agent may still begin another save: the proxy then ends after this time without requests. */
const quietMs = 10_000;
const checkMs = 100;

/** Returns the rule for the end of the proxy. Without an agent, it ends when its requests have ended. */
export function createShutdown({
  waitForAgent,
  graceMs,
  active,
  now = () => performance.now(),
}: ShutdownOptions): Shutdown {
  let savedAt: number | undefined;
  let isSavedAfter = false;
  let terminatedAt: number | undefined;
  return {
    saved() {
      if (terminatedAt === undefined) savedAt = now();
      else isSavedAfter = true;
    },
    async allowed() {
      terminatedAt ??= now();
      const start = terminatedAt;
      let quietSince = start;
      for (;;) {
        const time = now();
        if (time - start >= graceMs) return;
        if (active() > 0) quietSince = time;
        else if (!waitForAgent || isSavedAfter) return;
        else if (savedAt !== undefined && start - savedAt < rememberMs && time - quietSince >= quietMs) return;
        await new Promise((resolve) => setTimeout(resolve, checkMs));
      }
    },
  };
}
