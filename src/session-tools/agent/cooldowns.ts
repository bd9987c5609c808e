/** Milliseconds after a snapshot of a kernel until the next one is taken. */
const cooldownMs = 5_000;

export interface Skipped {
  readonly message: string;
  readonly retry_after_seconds: number;
}

export interface Cooldowns {
  /** Returns why no snapshot of the kernel can be taken now, or undefined. */
  find(kernelId: string): Skipped | undefined;
  /** As `find`; undefined: a snapshot begins. `isUrgent`: only one that is being taken is a reason. */
  begin(kernelId: string, isUrgent: boolean): Skipped | undefined;
  /** `isTaken`: whether there is a new snapshot. After a failure, the next attempt need not wait. */
  end(kernelId: string, isTaken: boolean): void;
}

/** @param now milliseconds since the epoch. */
export function createCooldowns(now: () => number): Cooldowns {
  const until = new Map<string, number>();
  const find: Cooldowns['find'] = (kernelId) => {
    const end = until.get(kernelId) ?? 0;
    if (end <= now()) return undefined;
    if (end === Number.POSITIVE_INFINITY)
      return { message: 'A snapshot of this kernel is being taken.', retry_after_seconds: cooldownMs / 1000 };
    const seconds = Math.ceil((end - now()) / 1000);
    return { message: 'A snapshot of this kernel was taken just now.', retry_after_seconds: seconds };
  };
  return {
    find,
    begin(kernelId, isUrgent) {
      const skipped = isUrgent && until.get(kernelId) !== Number.POSITIVE_INFINITY ? undefined : find(kernelId);
      if (!skipped) until.set(kernelId, Number.POSITIVE_INFINITY);
      return skipped;
    },
    end(kernelId, isTaken) {
      if (isTaken) until.set(kernelId, now() + cooldownMs);
      else until.delete(kernelId);
    },
  };
}
