/** Returns the value below which `share` of the values are. Throws for an empty list. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new Error('an empty list has no percentile');
  return value;
}

/** Returns the median, which one disturbed round does not change. Throws for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('an empty list has no median');
  return (upper + lower) / 2;
}

/**
 * Runs several measurements alternately, so that other programs of the machine disturb all of them, and returns the results of
 * each round.
 */
export async function inTurns<Name extends string, Result>(
  rounds: number,
  things: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(things) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>;
  for (let round = 0; round < rounds; round += 1) {
    // The order alternates, because the first measurement of a round runs on an idle machine.
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) results[name].push(await things[name]());
  }
  return results;
}
