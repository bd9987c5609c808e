import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  allContents,
  contentOf,
  makeTwoSidesInMemory,
  noCounters,
  type TwoSides,
} from '../../../../tests/support/sync/two-sides.ts';
import { type Remote, type RemoteEntry, RemoteError } from './remote.ts';

/**
 * Random changes on both sides between rounds and between calls of the remote, with failures of the remote: both sides become equal, and
 * have each content that no person has removed.
 */

type Side = 'local' | 'remote';
type Edit =
  | { readonly kind: 'write'; readonly side: Side; readonly path: string }
  | { readonly kind: 'delete'; readonly side: Side; readonly path: string }
  | { readonly kind: 'rename'; readonly side: Side; readonly path: string; readonly to: string };
interface Fault {
  /** The call of the remote at which it happens. */
  readonly at: number;
  /** `kill`: all later calls fail, too. */
  readonly kind: 'before' | 'after' | 'kill' | 'none';
  /** What a person changes at this moment. */
  readonly edits: readonly Edit[];
}
type Step =
  | { readonly kind: 'edits'; readonly edits: readonly Edit[] }
  | { readonly kind: 'round'; readonly faults: readonly Fault[] };
interface Kind {
  readonly canMove: boolean;
  readonly hasHashes: boolean;
}

const paths = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e/c', 'f/g'];
const side = fc.constantFrom<Side>('local', 'remote');
const path = fc.constantFrom(...paths);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), side, path }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), side, path }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename' as const), side, path, to: path }) },
);
const fault: fc.Arbitrary<Fault> = fc.record({
  at: fc.nat(25),
  kind: fc.constantFrom('before', 'after', 'kill', 'none'),
  edits: fc.array(edit, { maxLength: 2 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('edits' as const), edits: fc.array(edit, { minLength: 1, maxLength: 5 }) }),
  fc.record({ kind: fc.constant('round' as const), faults: fc.array(fault, { maxLength: 2 }) }),
);
const kind: fc.Arbitrary<Kind> = fc.record({ canMove: fc.boolean(), hasHashes: fc.boolean() });

/** The persons at both sides. */
class Persons {
  readonly #sides: TwoSides;
  #count = 0;
  /** Contents that no person has removed at any side: they must be in both folders. */
  readonly standing = new Set<string>();
  /** Contents that a person has removed while another copy existed: they must be in a folder or a backup. */
  readonly kept = new Set<string>();

  constructor(sides: TwoSides) {
    this.#sides = sides;
  }

  do(change: Edit): void {
    const top = this.#sides[change.side];
    const target = join(top, change.kind === 'rename' ? change.to : change.path);
    // A person changes a file below a file only after removing that.
    const isBelowFile = (each: string): boolean => {
      const parent = dirname(each);
      return parent !== top && ((existsSync(parent) && !lstatSync(parent).isDirectory()) || isBelowFile(parent));
    };
    if (change.kind === 'delete') {
      this.#remove(join(top, change.path));
      return;
    }
    if (isBelowFile(target)) return;
    if (change.kind === 'rename') {
      const from = join(top, change.path);
      if (!existsSync(from) || `${target}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${target}/`)) return;
      this.#remove(target);
      mkdirSync(dirname(target), { recursive: true });
      renameSync(from, target);
      return;
    }
    this.#count += 1;
    const content = `v${String(this.#count).padStart(4, '0')}`;
    const before = existsSync(target) && lstatSync(target).isFile() ? readFileSync(target, 'utf8') : undefined;
    if (existsSync(target) && before === undefined) this.#remove(target);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    if (before !== undefined) this.#discard([before]);
    this.standing.add(content);
  }

  #remove(target: string): void {
    if (!existsSync(target)) return;
    const contents = lstatSync(target).isDirectory()
      ? Object.values(contentOf(target))
      : [readFileSync(target, 'utf8')];
    rmSync(target, { recursive: true });
    this.#discard(contents);
  }

  #discard(contents: readonly string[]): void {
    const left = [this.#sides.local, this.#sides.remote].flatMap((each) => Object.values(contentOf(each)));
    for (const content of contents.filter((each) => each !== '')) {
      this.standing.delete(content);
      if (left.includes(content)) this.kept.add(content);
      else this.kept.delete(content);
    }
  }
}

/** Returns a remote with other capabilities, whose calls can fail. */
function withFaults(
  remote: Remote,
  directory: string,
  { canMove, hasHashes }: Kind,
  faults: readonly Fault[],
  persons: Persons,
) {
  let calls = 0;
  let isKilled = false;
  const hashed = (entry: RemoteEntry): RemoteEntry => {
    if (!hasHashes || entry.kind !== 'file') return entry;
    try {
      const hash = createHash('sha256')
        .update(readFileSync(join(directory, entry.path)))
        .digest('hex');
      return { ...entry, hash: `sha256:${hash}` };
    } catch {
      return entry;
    }
  };
  const guarded = async <T>(act: () => Promise<T>): Promise<T> => {
    const number = calls++;
    const found = faults.filter(({ at }) => at === number);
    const fail = () => new RemoteError('unavailable', 'A failure of the test.');
    isKilled ||= found.some((each) => each.kind === 'kill');
    if (isKilled || found.some((each) => each.kind === 'before')) throw fail();
    for (const each of found) for (const change of each.edits) persons.do(change);
    const result = await act();
    if (found.some((each) => each.kind === 'after')) throw fail();
    return result;
  };
  const wrapped: Remote = {
    ...remote,
    capabilities: { ...remote.capabilities, canMove, hashes: hasHashes ? ['sha256'] : [] },
    async *list(signal) {
      await guarded(async () => undefined);
      for await (const entry of remote.list(signal)) yield hashed(entry);
      await guarded(async () => undefined);
    },
    find: (each, signal) =>
      guarded(async () => {
        const entry = await remote.find(each, signal);
        return entry && hashed(entry);
      }),
    download: (...args) => guarded(() => remote.download(...args)),
    upload: (...args) => guarded(async () => hashed(await remote.upload(...args))),
    move: (...args) =>
      canMove
        ? guarded(async () => hashed(await remote.move(...args)))
        : Promise.reject(new RemoteError('unsupported', 'The remote cannot move.')),
    remove: (...args) => guarded(() => remote.remove(...args)),
    makeFolder: (...args) => guarded(() => remote.makeFolder(...args)),
  };
  return wrapped;
}

async function converge(sides: TwoSides, run: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < 3; count += 1) await run();
  expect(contentOf(sides.remote)).toEqual(contentOf(sides.local));
}

function checkContents(sides: TwoSides, persons: Persons): void {
  const present = Object.values(contentOf(sides.local));
  const somewhere = [...present, ...allContents(sides.remote), ...allContents(join(sides.volume, 'sync/docs/backup'))];
  for (const content of persons.standing) expect(present, `${content} is lost`).toContain(content);
  for (const content of persons.kept) expect(somewhere, `${content} is in no backup`).toContain(content);
}

it('after random changes and failures, both sides are equal, and nothing that a person wrote is lost', async () => {
  await fc.assert(
    fc.asyncProperty(kind, fc.array(step, { minLength: 1, maxLength: 10 }), async (remoteKind, steps) => {
      const sides = makeTwoSidesInMemory();
      try {
        const persons = new Persons(sides);
        const round = (faults: readonly Fault[]) =>
          sides.round({
            confirmedDeletions: 1000,
            wrap: (remote) => withFaults(remote, sides.remote, remoteKind, faults, persons),
          });
        for (const each of steps) {
          if (each.kind === 'edits') for (const change of each.edits) persons.do(change);
          else
            await round(each.faults).catch((error: unknown) => {
              expect(error).toMatchObject({ message: 'A failure of the test.' });
            });
        }
        await converge(sides, () => round([]));
        checkContents(sides, persons);
        expect((await round([])).counters).toEqual(noCounters);
      } finally {
        sides.remove();
      }
    }),
    { numRuns: Number(process.env['SYNC_RUNS'] ?? 40), seed: Number(process.env['SYNC_SEED'] ?? 7) },
  );
});
