import { once } from 'node:events';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spawnBound } from '../../../../tests/support/bound-process.ts';
import { BusyPerson } from '../../../../tests/support/sync/busy-person.ts';
import { changes } from '../../../../tests/support/sync/person.ts';
import { allContents, contentOf, makeTwoSidesInMemory, noCounters } from '../../../../tests/support/sync/two-sides.ts';
import { reservedFolder } from './paths.ts';

/**
 * A program that runs rounds is killed again and again while persons change files of both sides. `SYNC_KILLS` is the number of kills, and
 * `SYNC_SEED` the seed of the changes.
 */

it('an agent that is killed at any moment, while persons change files, loses no version, and both sides become equal', async () => {
  const sides = makeTwoSidesInMemory();
  try {
    const person = new BusyPerson({ ...sides, areSizesEqual: true });
    const numRuns = Number(process.env['SYNC_KILLS'] ?? 4);
    const all = fc.sample(fc.array(changes, { minLength: 30, maxLength: 60 }), {
      numRuns,
      seed: Number(process.env['SYNC_SEED'] ?? 7),
    });
    for (const each of all) {
      const program = spawnBound(
        process.execPath,
        [join(import.meta.dirname, '../../../../tests/support/sync/rounds.ts'), sides.top],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = once(program, 'exit');
      // The program writes a line when its rounds begin.
      if (program.stdout) await once(program.stdout, 'data');
      for (const change of each) {
        person.do(change);
        // Spread over the steps of rounds.
        for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      }
      program.kill('SIGKILL');
      await ended;
    }
    for (let count = 0; count < 3; count += 1) await sides.round({ confirmedDeletions: 1000 });
    expect(contentOf(sides.remote)).toEqual(contentOf(sides.local));
    expect(person.written.length).toBeGreaterThan(numRuns * 4);
    const places = [join(sides.volume, 'sync/docs/backup'), join(sides.remote, reservedFolder, 'backup')];
    const found = [...Object.values(contentOf(sides.local)), ...places.flatMap(allContents)];
    expect(found).toEqual(expect.arrayContaining(person.expected()));
    expect((await sides.round()).counters).toEqual(noCounters);
  } finally {
    sides.remove();
  }
});
