import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyMergePatch, mergePatchBetween } from './merge-patch.ts';

test('applying a patch merges objects, replaces other values, removes members that are null, and does not change the arguments', () => {
  const target = { a: { b: 1, c: [1, 2] }, d: 'x', e: null };
  const patch = { a: { b: null, c: [3], n: { o: null, p: 1 } }, d: null, f: 5 };
  expect(applyMergePatch(target, patch)).toEqual({ a: { c: [3], n: { p: 1 } }, e: null, f: 5 });
  expect(target).toEqual({ a: { b: 1, c: [1, 2] }, d: 'x', e: null });
  expect(applyMergePatch(target, 5)).toBe(5);
  expect(applyMergePatch(5, { a: null })).toEqual({});
});

test('applying a patch does not change or read prototypes', () => {
  const patch: unknown = JSON.parse('{"constructor":{"prototype":{"polluted":1}},"__proto__":{"polluted":1}}');
  expect(applyMergePatch({}, patch)).toEqual({ constructor: { prototype: { polluted: 1 } } });
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('the patch between two documents changes the first into the second, and is undefined for equal documents', () => {
  const scalar = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constantFrom([], [1, 'a'], [{}]));
  const document = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, tie('object')),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  })).object;
  fc.assert(
    fc.property(document, document, (current, desired) => {
      const patch = mergePatchBetween(current, desired);
      expect(patch === undefined ? current : applyMergePatch(current, patch)).toEqual(desired);
      expect(mergePatchBetween(desired, desired)).toBeUndefined();
    }),
  );
});

test('the patch has exactly the members that change, even if their names are inherited by every object', () => {
  expect(mergePatchBetween({ constructor: 'ready', a: 1 }, { a: 1 })).toEqual({ constructor: null });
  expect(mergePatchBetween({ a: 1 }, { toString: 'waiting', a: 1 })).toEqual({ toString: 'waiting' });
});

test('null counts as absent, also in arrays', () => {
  expect(mergePatchBetween({ a: null, list: [{ b: null, c: 1 }] }, { list: [{ c: 1 }] })).toBeUndefined();
  expect(mergePatchBetween({ a: 1 }, { a: null })).toEqual({ a: null });
});
