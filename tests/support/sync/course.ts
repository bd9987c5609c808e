import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { BaseTable } from '../../../src/session-tools/agent/sync/base-table.ts';
import { type Remote, type RemoteEntry, RemoteError } from '../../../src/session-tools/agent/sync/remote.ts';
import { type Change, changes, type Persons } from './person.ts';
import { watchSteps } from './steps.ts';
import type { TwoSides } from './two-sides.ts';

/** Rounds in which persons change files, the remote fails and the agent ends between any two steps. */

interface Event {
  /** The step of the round before which it happens. */
  readonly at: number;
  /** `fails-before`, `fails-after`: the next call of the remote. `kill`: no later step happens. */
  readonly what: readonly Change[] | 'fails-before' | 'fails-after' | 'kill';
}
export interface Kind {
  readonly canMove: boolean;
  readonly hasHashes: boolean;
}
export interface Round {
  readonly before: readonly Change[];
  readonly events: readonly Event[];
}

/**
 * During a round, each change of a file shows in its time: a program that writes to a file and restores its time between two calls of the
 * agent, right after the agent has put the file in place, is not noticed.
 */
const changesDuring = changes.map(
  (each): Change => (each.kind === 'write-same-time' ? { ...each, kind: 'write' } : each),
);
const event: fc.Arbitrary<Event> = fc.record({
  at: fc.integer({ min: 1, max: 400 }),
  what: fc.oneof(
    { weight: 6, arbitrary: fc.array(changesDuring, { minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom('fails-before', 'fails-after', 'kill') },
  ),
});
export const round: fc.Arbitrary<Round> = fc.record({
  before: fc.array(changes, { maxLength: 4 }),
  events: fc.array(event, { maxLength: 12, size: 'max' }),
});
export const kind: fc.Arbitrary<Kind> = fc.record({ canMove: fc.boolean(), hasHashes: fc.boolean() });

/** Thrown at each step after the end of the agent. */
class Killed extends Error {}

/** What happens at the steps of one round. */
export class Course {
  isKilled = false;
  /** A change found a version lost. */
  loss: unknown;
  readonly #events: Event[];
  readonly #persons: Persons;
  #failure: 'fails-before' | 'fails-after' | undefined;
  #count = 0;
  #isInside = false;

  constructor(events: readonly Event[], persons: Persons) {
    this.#events = [...events].sort((a, b) => b.at - a.at);
    this.#persons = persons;
  }

  readonly step = (): void => {
    // The calls of persons are no steps.
    if (this.#isInside) return;
    if (this.isKilled) throw new Killed();
    this.#count += 1;
    for (let next = this.#events.at(-1); next && next.at <= this.#count; next = this.#events.at(-1)) {
      this.#events.pop();
      this.#happen(next.what);
    }
  };

  /** Calls the remote, which can fail before and after. */
  async call<T>(act: () => Promise<T>): Promise<T> {
    this.step();
    if (this.#takeFailure('fails-before')) throw new RemoteError('unavailable', 'A failure of the test.');
    const result = await act();
    if (this.#takeFailure('fails-after')) throw new RemoteError('unavailable', 'A failure of the test.');
    return result;
  }

  #takeFailure(failure: 'fails-before' | 'fails-after'): boolean {
    const isDue = this.#failure === failure;
    if (isDue) this.#failure = undefined;
    return isDue;
  }

  #happen(what: Event['what']): void {
    if (what === 'kill') {
      this.isKilled = true;
      throw new Killed();
    }
    if (typeof what === 'string') {
      this.#failure = what;
      return;
    }
    this.#isInside = true;
    try {
      for (const change of what) this.#persons.do(change);
    } catch (error) {
      this.loss ??= error;
    } finally {
      this.#isInside = false;
    }
  }
}

/** Returns a remote with other capabilities. */
export function asKind(remote: Remote, folder: string, { canMove, hasHashes }: Kind, course: Course): Remote {
  const hashed = (entry: RemoteEntry): RemoteEntry => {
    if (!hasHashes || entry.kind !== 'file') return entry;
    try {
      const content = readFileSync(join(folder, entry.path));
      return { ...entry, hash: `sha256:${createHash('sha256').update(content).digest('hex')}` };
    } catch {
      return entry;
    }
  };
  return {
    ...remote,
    capabilities: { ...remote.capabilities, canMove, hashes: hasHashes ? ['sha256'] : [] },
    async *list(signal) {
      await course.call(async () => undefined);
      for await (const entry of remote.list(signal)) yield hashed(entry);
      await course.call(async () => undefined);
    },
    find: (path, signal) =>
      course.call(async () => {
        const entry = await remote.find(path, signal);
        return entry && hashed(entry);
      }),
    download: (...args) => course.call(() => remote.download(...args)),
    upload: (...args) => course.call(async () => hashed(await remote.upload(...args))),
    move: (...args) =>
      canMove
        ? course.call(async () => hashed(await remote.move(...args)))
        : Promise.reject(new RemoteError('unsupported', 'The remote cannot move.')),
    remove: (...args) => course.call(() => remote.remove(...args)),
    makeFolder: (...args) => course.call(() => remote.makeFolder(...args)),
  };
}

/** Returns a base table whose calls are steps. */
function withSteps(base: BaseTable, { step }: Course): BaseTable {
  const afterStep =
    <Args extends unknown[]>(call: (...args: Args) => void) =>
    (...args: Args): void => {
      step();
      call(...args);
    };
  return {
    ...base,
    set: afterStep(base.set),
    delete: afterStep(base.delete),
    begin: afterStep(base.begin),
    inTransaction: afterStep(base.inTransaction),
    addConflict: afterStep(base.addConflict),
  };
}

/** Runs a round with its events, as a new start of the agent. */
export async function runRound(
  sides: TwoSides,
  persons: Persons,
  remoteKind: Kind,
  { before, events }: Round,
): Promise<void> {
  for (const change of before) persons.do(change);
  const course = new Course(events, persons);
  const restore = watchSteps(course.step);
  try {
    await sides.round({
      confirmedDeletions: 1000,
      wrap: (remote) => asKind(remote, sides.remote, remoteKind, course),
      wrapBase: (base) => withSteps(base, course),
    });
  } catch (error) {
    const isUnavailable = error instanceof Error && 'reason' in error && error.reason === 'unavailable';
    if (!course.isKilled && !isUnavailable) throw error;
  } finally {
    restore();
  }
  if (course.loss) throw course.loss;
  persons.check();
}
