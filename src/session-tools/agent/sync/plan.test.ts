import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { align, type BaseRow } from './align.ts';
import { decide, isMassDeletion, type SideState } from './decide.ts';
import { createIgnoreRules } from './ignore-rules.ts';
import type { LocalEntry } from './local-tree.ts';
import { conflictPath, errorInPath } from './paths.ts';
import { type Action, filesToHash, plan } from './plan.ts';
import type { RemoteCapabilities, RemoteEntry } from './remote.ts';

/** The decision of file sync: pure functions over the base and the listings of both sides. */

const states: readonly SideState[] = ['absent', 'same', 'changed'];
const equalities = [true, false, undefined];

describe('the decision for a path', () => {
  const all = [true, false].flatMap((isKnown) =>
    states.flatMap((local) =>
      states.flatMap((remote) => equalities.map((isEqual) => ({ isKnown, local, remote, isEqual }))),
    ),
  );
  // Without a base, what exists is changed.
  const possible = all.filter(({ isKnown, local, remote }) => isKnown || (local !== 'same' && remote !== 'same'));

  it('never replaces or deletes a change of one side', () => {
    for (const state of possible) {
      const decision = decide(state);
      const label = JSON.stringify(state);
      if (state.local === 'changed')
        expect(['download', 'delete-local', 'forget', 'none', 'restore-local'], label).not.toContain(decision);
      if (state.remote === 'changed')
        expect(['upload', 'delete-remote', 'forget', 'none', 'restore-remote'], label).not.toContain(decision);
      if (decision === 'delete-local')
        expect(state, label).toMatchObject({ isKnown: true, local: 'same', remote: 'absent' });
      if (decision === 'delete-remote')
        expect(state, label).toMatchObject({ isKnown: true, local: 'absent', remote: 'same' });
    }
  });

  it('does nothing if both sides are as they were, and is the same for both directions', () => {
    const mirrored = { upload: 'download', 'delete-local': 'delete-remote', 'restore-local': 'restore-remote' };
    const mirror = new Map([...Object.entries(mirrored), ...Object.entries(mirrored).map(([a, b]) => [b, a] as const)]);
    expect(decide({ isKnown: true, local: 'same', remote: 'same', isEqual: undefined })).toBe('none');
    for (const state of possible) {
      const decision = decide(state);
      expect(decide({ ...state, local: state.remote, remote: state.local })).toBe(mirror.get(decision) ?? decision);
    }
  });
});

const capabilities: RemoteCapabilities = {
  ...{ hashes: ['sha256'], hasModificationTimes: true, canMove: true, hasFolders: true, isCaseInsensitive: false },
};
/** A file is its content: equal text, equal hash. */
const local = (path: string, content: string): LocalEntry => ({
  ...{ path, kind: 'file', size: content.length, modifiedAt: 0, signature: content },
});
const remote = (path: string, content: string): RemoteEntry => ({
  ...{ path, kind: 'file', size: content.length, modifiedAt: 0, hash: `sha256:${content}`, version: null },
});
const row = (path: string, content: string, remotePath = path): BaseRow => ({
  ...{ path, kind: 'file', size: content.length, signature: content, hash: `sha256:${content}` },
  remote: remote(remotePath, content),
});
interface Input {
  readonly base?: readonly BaseRow[];
  readonly mine?: readonly LocalEntry[];
  readonly theirs?: readonly RemoteEntry[];
  readonly can?: Partial<RemoteCapabilities>;
}
function planOf({ base = [], mine = [], theirs = [], can = {} }: Input) {
  const all = { ...capabilities, ...can };
  const aligned = align({
    ...{ base, remote: theirs, capabilities: all, isIgnored: createIgnoreRules([]), maxFileBytes: 1000 },
    local: { entries: new Map(mine.map((entry) => [entry.path, entry])), leftOut: [], withIgnored: new Set() },
  });
  const hashes = new Map(
    filesToHash(aligned).flatMap((each) => (each.local ? [[each.local.path, [`sha256:${each.local.signature}`]]] : [])),
  );
  const made = plan(aligned, hashes, all);
  return { ...made, skipped: aligned.skipped, actions: made.phases.flat().map(textOf) };
}
const textOf = (action: Action): string => {
  if (action.kind === 'rename') return `rename ${action.side} ${action.from.path} -> ${action.to.path}`;
  const where = 'side' in action ? ` ${action.side}` : '';
  return `${action.kind}${where} ${action.facts.path}`;
};

describe('the plan of a round', () => {
  it('finds renames at both sides by the hash, each file once', () => {
    const base = [row('old', 'one'), row('copy', 'one'), row('there', 'two')];
    const mine = [local('new', 'one'), local('there', 'two')];
    const theirs = [remote('old', 'one'), remote('copy', 'one'), remote('moved', 'two')];
    expect(planOf({ base, mine, theirs }).actions.toSorted()).toEqual([
      'delete remote old',
      'rename local there -> moved',
      'rename remote copy -> new',
    ]);
    expect(planOf({ base, mine, theirs, can: { canMove: false } }).actions.toSorted()).toEqual([
      'delete remote copy',
      'delete remote old',
      'rename local there -> moved',
      'upload new',
    ]);
  });

  it('renames a file that was written anew with the same content, and does nothing else with it', () => {
    const mine = [{ ...local('old', 'one'), signature: 'one, later' }];
    const hashes = new Map([['old', ['sha256:one']]]);
    const aligned = align({
      ...{ base: [row('old', 'one')], remote: [remote('new', 'one')], capabilities },
      local: { entries: new Map(mine.map((entry) => [entry.path, entry])), leftOut: [], withIgnored: new Set() },
      ...{ isIgnored: createIgnoreRules([]), maxFileBytes: 1000 },
    });
    expect(plan(aligned, hashes, capabilities).phases.flat().map(textOf)).toEqual(['rename local old -> new']);
  });

  it('counts no rename as a deletion', () => {
    const names = Array.from({ length: 20 }, (_, index) => `f${index}`);
    const base = names.map((name) => row(name, `content ${name}`));
    const mine = names.map((name) => local(`dir/${name}`, `content ${name}`));
    const theirs = names.map((name) => remote(name, `content ${name}`));
    expect(planOf({ base, mine, theirs }).deletions.some(isMassDeletion)).toBe(false);
    expect(planOf({ base, mine: mine.slice(10), theirs }).deletions.some(isMassDeletion)).toBe(true);
  });

  it('treats paths that differ in case as one file if the remote does, and reports a second one', () => {
    const can = { isCaseInsensitive: true };
    const mine = [local('Dir/A.txt', 'mine'), local('Dir/a.txt', 'second'), local('new', 'n')];
    const theirs = [remote('dir/a.txt', 'mine')];
    const base = [row('Dir/A.txt', 'mine', 'dir/a.txt')];
    const found = planOf({ base, mine, theirs, can });
    expect(found.actions).toEqual(['upload new']);
    expect(found.skipped).toMatchObject([{ path: 'Dir/a.txt', side: 'local', reason: 'case' }]);
    expect(planOf({ base, mine: [local('dir/a.TXT', 'mine')], theirs, can }).actions).toEqual(['adopt dir/a.TXT']);
    expect(planOf({ mine: [local('X', 'one')], theirs: [remote('x', 'two')], can }).actions).toEqual(['conflict X']);
    expect(planOf({ mine: [local('X', 'one')], theirs: [remote('x', 'two')] }).actions.toSorted()).toEqual([
      'download x',
      'upload X',
    ]);
  });

  it('reports a name with control characters as one line', () => {
    const { skipped } = align({
      ...{ base: [], remote: [remote('b\nc', '1')], capabilities, isIgnored: () => false, maxFileBytes: 1000 },
      local: {
        entries: new Map(),
        leftOut: [{ path: 'a\nb', reason: 'name', message: 'm' }],
        withIgnored: new Set(),
      },
    });
    expect(skipped.map(({ path }) => path)).toEqual(['b\uFFFDc', 'a\uFFFDb']);
  });

  it('never deletes what the other side does not know, whatever the listings are', () => {
    const entries = fc.uniqueArray(
      fc.tuple(fc.constantFrom('a', 'A', 'b', 'd/a', 'd/b', 'D/a', 'e/f/g'), fc.constantFrom('1', '2', '3')),
      { selector: ([path]) => path },
    );
    fc.assert(
      fc.property(
        entries,
        entries,
        entries,
        fc.boolean(),
        fc.boolean(),
        (known, here, there, isCaseInsensitive, canMove) => {
          const base = known.map(([path, content]) => row(path, content));
          const mine = here.map(([path, content]) => local(path, content));
          const theirs = there.map(([path, content]) => remote(path, content));
          const { phases } = planOf({ base, mine, theirs, can: { isCaseInsensitive, canMove } });
          for (const action of phases.flat()) {
            if (action.kind !== 'delete') continue;
            const { facts, side } = action;
            expect(facts.base).toBeDefined();
            // The deleted version is the one that both sides had.
            if (side === 'local')
              expect([facts.local?.signature, facts.remote]).toEqual([facts.base?.signature, undefined]);
            else expect([facts.remote?.hash, facts.local]).toEqual([facts.base?.remote.hash, undefined]);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('mass deletions', () => {
  it.each([
    [{ side: 'remote', deletions: 1, known: 1, present: 0 }, true],
    [{ side: 'local', deletions: 1, known: 1, present: 0 }, false],
    [{ side: 'local', deletions: 2, known: 2, present: 0 }, true],
    [{ side: 'remote', deletions: 9, known: 10, present: 1 }, false],
    [{ side: 'remote', deletions: 10, known: 20, present: 10 }, true],
    [{ side: 'remote', deletions: 10, known: 21, present: 11 }, false],
    [{ side: 'remote', deletions: 0, known: 0, present: 0 }, false],
  ] as const)('of %j need a confirmation: %j', (deletions, expected) => {
    expect(isMassDeletion(deletions)).toBe(expected);
  });
});

describe('paths', () => {
  it.each([
    '../x',
    '/etc/x',
    'a/../../x',
    '..\\x',
    'a\0b',
    'a\nb',
    '',
    '.',
    'a/',
    'a//b',
    'ä'.repeat(128),
    `${'a/'.repeat(128)}a`,
    'a\uFFFD',
    '\uD800',
  ])('%j is rejected', (path) => {
    expect(errorInPath(path)).toBeDefined();
  });

  it.each(['a', 'a b/ü.txt', '..a', 'a..b/c', '.hidden', '文'.repeat(85)])('%j is accepted', (path) => {
    expect(errorInPath(path)).toBeUndefined();
  });

  it('of a conflict copy is valid for each valid path, keeps its folder and ending, and has no colon of ours', () => {
    const time = Date.parse('2026-11-30T22:14:37Z');
    expect(conflictPath('d/a.tar.gz', 'local', time)).toBe('d/a.tar (conflict local 2026-11-30 22.14.37).gz');
    expect(conflictPath('.bashrc', 'remote', time, 2)).toBe('.bashrc (conflict remote 2026-11-30 22.14.37 2)');
    expect(conflictPath('a', 'local', Number.MAX_VALUE)).toBe('a (conflict local 9999-12-31 23.59.59)');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 }), (path) => {
        fc.pre(errorInPath(path) === undefined);
        expect(errorInPath(conflictPath(path, 'remote', time))).toBeUndefined();
      }),
    );
  });
});

describe('ignore rules', () => {
  it('follow .gitignore, and cannot cancel the rules for repositories', () => {
    const isIgnored = createIgnoreRules(['*.log', '/build/', '!keep.log', '!.git']);
    expect(isIgnored('a/b.log', false)).toBe(true);
    expect(isIgnored('a/keep.log', false)).toBe(false);
    expect(isIgnored('build', true)).toBe(true);
    expect(isIgnored('a/build', true)).toBe(false);
    expect(isIgnored('build/x/y', false)).toBe(true);
    expect(isIgnored('a/.git', true)).toBe(true);
    expect(isIgnored('a/.git/config', false)).toBe(true);
    expect(isIgnored('.notebook-sessions-sync/tmp/x', false)).toBe(true);
    expect(isIgnored('the remote of another session/.notebook-sessions-sync', true)).toBe(true);
  });
});
