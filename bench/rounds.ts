/** The middle value: one round that another program disturbed does not move it. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('there is no median of nothing');
  return (upper + lower) / 2;
}

/**
 * Measures several things in turns, so that what else the machine does meanwhile falls on all of them, and keeps what
 * each round gave.
 */
export async function inTurns<Name extends string, Result>(
  rounds: number,
  things: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(things) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>;
  for (let round = 0; round < rounds; round += 1) {
    // The first of a round runs on a machine that has rested: none of them is always the first.
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) results[name].push(await things[name]());
  }
  return results;
}
