import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asKind, Course, kind, type Round, round, runRound } from '../../../../tests/support/sync/course.ts';
import { Persons } from '../../../../tests/support/sync/person.ts';
import { contentOf, makeTwoSidesInMemory, noCounters } from '../../../../tests/support/sync/two-sides.ts';

/**
 * Persons change files of both sides between any two steps of a round: calls of the file system, of the base table and of the remote. At
 * any step the remote can fail, or the agent ends, as with `kill -9`. At each moment, each version that the persons have left is in a
 * side or in a backup, and afterwards both sides become equal.
 *
 * `SYNC_RUNS` is the number of runs, and `SYNC_SEED` their seed.
 */

const quiet: Round = { before: [], events: [] };

it('at each step of rounds, with changes of persons, failures and kills, each version is in a side or a backup', async () => {
  let written = 0;
  await fc.assert(
    fc.asyncProperty(kind, fc.array(round, { minLength: 1, maxLength: 6 }), async (remoteKind, rounds) => {
      const sides = makeTwoSidesInMemory();
      const persons = new Persons(sides);
      try {
        for (const each of rounds) await runRound(sides, persons, remoteKind, each);
        for (let count = 0; count < 3; count += 1) await runRound(sides, persons, remoteKind, quiet);
        written += persons.count;
        expect(contentOf(sides.remote)).toEqual(contentOf(sides.local));
        expect(
          (await sides.round({ wrap: (remote) => asKind(remote, sides.remote, remoteKind, new Course([], persons)) }))
            .counters,
        ).toEqual(noCounters);
      } finally {
        persons.close();
        sides.remove();
      }
    }),
    {
      numRuns: Number(process.env['SYNC_RUNS'] ?? 25),
      seed: Number(process.env['SYNC_SEED'] ?? 7),
      endOnFailure: true,
    },
  );
  expect(written).toBeGreaterThan(0);
});
