import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { watchSteps } from '../../../../tests/support/sync/steps.ts';
import {
  allContents,
  contentOf,
  makeTwoSidesInMemory,
  type TwoSides,
} from '../../../../tests/support/sync/two-sides.ts';
import { openTrusted } from './folder-handle.ts';
import { NotResolvable, resolveLocally } from './resolve.ts';
import { openStorage } from './storage.ts';

/**
 * Another program changes a file before each single step of the agent, or the agent ends there: each version that no program has
 * written over itself is in the tree of a side or in a backup afterwards. By default, some of the steps: `SYNC_EACH_STEP=1` for all.
 */

let restore = (): void => undefined;
afterEach(() => restore());

const stride = process.env['SYNC_EACH_STEP'] === '1' ? 1 : 12;
let sequences = 0;
/** Each sequence of steps begins with the next step of the first ones. */
const firstStep = (): number => 1 + (sequences++ % stride);

const endOfAgent = 'The agent has ended.';

/** Calls `before` before each step until `restore`. From the number `kill`, each step throws. Returns the number of steps so far. */
function watchMoves(before: (step: number) => void, kill = Number.POSITIVE_INFINITY): () => number {
  let count = 0;
  restore = watchSteps((name, path) => {
    // Of all looks at files, those at the files of the scenarios are steps.
    const isMove = ['renameSync', 'linkSync', 'unlinkSync'].includes(name);
    if (!isMove && !(name === 'lstatSync' && /\/[abx]$|conflict/.test(String(path)))) return;
    count += 1;
    if (count > kill) throw new Error(endOfAgent);
    before(count);
  });
  return () => count;
}

type Side = 'local' | 'remote';
interface Scenario {
  readonly name: string;
  /** Paths that the program changes. */
  readonly paths: readonly string[];
  /** Changes both sides after the first round. */
  readonly prepare: (sides: TwoSides) => void;
  readonly act: (sides: TwoSides) => Promise<unknown>;
}

const put = (sides: TwoSides, side: Side, path: string, content: string) =>
  writeFileSync(join(sides[side], path), content);
const round = (sides: TwoSides) => sides.round({ confirmedDeletions: 1000 });
const theirs = 'a (conflict remote 2027-01-15 08.00.00)';
async function resolve(sides: TwoSides): Promise<void> {
  const storage = openStorage(sides.volume, 'docs');
  const root = openTrusted(sides.local);
  try {
    const [conflict] = sides.conflicts();
    if (conflict) resolveLocally({ root, storage, stamp: '2027-01-15T08.00.00.000Z' }, conflict, 'theirs');
  } finally {
    closeSync(root);
    storage.close();
  }
}

const scenarios: readonly Scenario[] = [
  { name: 'a download', paths: ['a'], prepare: (sides) => put(sides, 'remote', 'a', 'next'), act: round },
  { name: 'an upload', paths: ['a'], prepare: (sides) => put(sides, 'local', 'a', 'next'), act: round },
  { name: 'a local deletion', paths: ['a'], prepare: (sides) => rmSync(join(sides.remote, 'a')), act: round },
  { name: 'a deletion at the remote', paths: ['a'], prepare: (sides) => rmSync(join(sides.local, 'a')), act: round },
  {
    name: 'a rename',
    paths: ['a', 'b'],
    prepare: (sides) => renameSync(join(sides.local, 'a'), join(sides.local, 'b')),
    act: round,
  },
  {
    name: 'a conflict',
    paths: ['a'],
    prepare(sides) {
      put(sides, 'local', 'a', 'mine');
      put(sides, 'remote', 'a', 'theirs');
    },
    act: round,
  },
  {
    name: 'a folder at the path of a file',
    paths: ['x'],
    prepare(sides) {
      put(sides, 'local', 'x', 'file');
      mkdirSync(join(sides.remote, 'x'));
      put(sides, 'remote', 'x/inner', 'inner');
    },
    act: round,
  },
  {
    name: 'the resolution "theirs"',
    paths: ['a', theirs],
    prepare(sides) {
      put(sides, 'local', 'a', 'mine');
      put(sides, 'remote', 'a', 'theirs');
      utimesSync(join(sides.remote, 'a'), 1_800_000_000, 1_800_000_000);
    },
    act: resolve,
  },
];

interface Written {
  readonly isWritten: boolean;
  /** What the program has written over itself. */
  readonly over?: string | undefined;
}
const nothing: Written = { isWritten: false };

/** How the other program changes a file. */
const changes: Record<string, (file: string, content: string, own: string) => Written> = {
  'writes to a file'(file, content) {
    const over = contentAt(file);
    if (over === undefined) return nothing;
    writeFileSync(file, content);
    return { isWritten: true, over };
  },
  'replaces a file by a rename'(file, content, own) {
    const over = contentAt(file);
    writeFileSync(own, content);
    return attempt(() => renameSync(own, file)) ? { isWritten: true, over } : nothing;
  },
  'creates a file'(file, content, own) {
    writeFileSync(own, content);
    return { isWritten: attempt(() => linkSync(own, file)) };
  },
};

/** Returns whether it succeeded: the path can have a file or a folder. */
function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

function contentAt(file: string): string | undefined {
  let content: string | undefined;
  attempt(() => {
    content = readFileSync(file, 'utf8');
  });
  return content;
}

const trees = (sides: TwoSides) => [contentOf(sides.local), contentOf(sides.remote)].map((each) => Object.values(each));
const everywhere = (sides: TwoSides): string[] => [
  ...trees(sides).flat(),
  ...allContents(join(sides.volume, 'sync/docs/backup')),
  ...(existsSync(join(sides.remote, '.notebook-sessions-sync/backup'))
    ? allContents(join(sides.remote, '.notebook-sessions-sync/backup'))
    : []),
];

/** Calls `act` with new sides, whose changes of the scenario are not synchronized yet. */
async function withSides<T>({ prepare, act }: Scenario, use: (sides: TwoSides) => Promise<T>): Promise<T> {
  const sides = makeTwoSidesInMemory();
  try {
    put(sides, 'local', 'a', 'base');
    await round(sides);
    prepare(sides);
    if (act === resolve) await round(sides);
    return await use(sides);
  } finally {
    restore();
    sides.remove();
  }
}

/** Calls `change` before a step of the scenario, and returns whether the scenario has this step. */
async function runScenario(scenario: Scenario, sides: TwoSides, step: number, isKilled: boolean, change: () => void) {
  const count = watchMoves((each) => each === step && change(), isKilled ? step : undefined);
  // A program that changes files all the time, or the end of the agent, may end it.
  await scenario.act(sides).catch((error: unknown) => {
    const isExpected = error instanceof NotResolvable || (isKilled && String(error).includes(endOfAgent));
    if (!isExpected) throw error;
  });
  restore();
  if (count() < step) return false;
  for (let number = 0; number < 2; number += 1) await round(sides);
  return true;
}

const cases = scenarios.flatMap((scenario) =>
  Object.keys(changes).flatMap((change) => [false, true].map((isKilled) => ({ scenario, change, isKilled }))),
);

it.each(cases.map((each) => [each.scenario.name, each.change, each.isKilled ? 'ends' : 'continues', each] as const))(
  'during %s, a program %s at any step, and the agent %s: no version is lost',
  async (_name, _change, _end, { scenario, change, isKilled }) => {
    for (const side of ['local', 'remote'] as const) {
      for (const path of scenario.paths) {
        for (let step = firstStep(), hasStep = true; hasStep; step += stride) {
          hasStep = await withSides(scenario, async (sides) => {
            const before = new Set(everywhere(sides));
            let written = nothing;
            const found = await runScenario(scenario, sides, step, isKilled, () => {
              written = changes[change]?.(join(sides[side], path), 'new', join(sides.top, 'own')) ?? nothing;
            });
            if (!found) return false;
            const where = `${side} ${path}, step ${step}`;
            if (written.over !== undefined) before.delete(written.over);
            if (written.isWritten) before.add('new');
            expect(everywhere(sides), where).toEqual(expect.arrayContaining([...before]));
            if (written.isWritten && !isKilled && scenario.act !== resolve)
              for (const tree of trees(sides))
                expect(tree, `${where}: the new version is on both sides`).toContain('new');
            return true;
          });
        }
      }
    }
  },
);

it.each(scenarios.map((each) => [each.name, each] as const))(
  'during %s, what a program writes to an open file is in a tree or a backup',
  async (_name, scenario) => {
    for (const side of ['local', 'remote'] as const) {
      for (let step = firstStep(), hasStep = true; hasStep; step += stride) {
        hasStep = await withSides(scenario, async (sides) => {
          const file = join(sides[side], scenario.paths[0] ?? '');
          if (contentAt(file) === undefined) return false;
          const descriptor = openSync(file, 'r+');
          try {
            const found = await runScenario(scenario, sides, step, false, () => writeSync(descriptor, 'late', 0));
            if (found) expect(everywhere(sides).join(' '), `${side}, step ${step}`).toContain('late');
            return found;
          } finally {
            closeSync(descriptor);
          }
        });
      }
    }
  },
);
