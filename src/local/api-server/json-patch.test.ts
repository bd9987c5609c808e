import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StatusError } from '../cluster.ts';
import { jsonPatch } from './json-patch.ts';

/** The expected results are those of a kube-apiserver 1.36. */
describe('a JSON patch with the lenient rules of Kubernetes', () => {
  const document = () => ({ status: { list: [1, 2, 3], 'a/b~c': 1, nothing: null }, spec: { path: '/a' } });
  const apply = (...operations: object[]) => jsonPatch(document(), operations) as ReturnType<typeof document>;

  it.each([
    ['replace of a missing member', { op: 'replace', path: '/status/fresh', value: 1 }, { fresh: 1 }],
    ['add at the end', { op: 'add', path: '/status/list/-', value: 4 }, { list: [1, 2, 3, 4] }],
    ['add in the middle', { op: 'add', path: '/status/list/1', value: 9 }, { list: [1, 9, 2, 3] }],
    ['add after the last item', { op: 'add', path: '/status/list/3', value: 9 }, { list: [1, 2, 3, 9] }],
    ['a negative index', { op: 'replace', path: '/status/list/-1', value: 9 }, { list: [1, 2, 9] }],
    ['remove from a list', { op: 'remove', path: '/status/list/0' }, { list: [2, 3] }],
    ['escapes', { op: 'replace', path: '/status/a~1b~0c', value: 2 }, { 'a/b~c': 2 }],
    ['move', { op: 'move', from: '/status/list', path: '/status/other' }, { other: [1, 2, 3] }],
    ['copy', { op: 'copy', from: '/status/list', path: '/status/other' }, { list: [1, 2, 3], other: [1, 2, 3] }],
    ['copy of a missing member', { op: 'copy', from: '/status/no', path: '/status/other' }, { other: null }],
    ['test of a missing member for null', { op: 'test', path: '/status/no', value: null }, {}],
    ['test of equal objects', { op: 'test', path: '/spec', value: { path: '/a' } }, {}],
    ['add without a value', { op: 'add', path: '/status/fresh' }, { fresh: null }],
  ])('accepts %s', (_what, operation, expected) => {
    expect(apply(operation).status).toMatchObject(expected);
  });

  it.each([
    [422, { op: 'replace', path: '/status/no/fresh', value: 1 }],
    [422, { op: 'add', path: '/status/no/fresh', value: 1 }],
    [422, { op: 'add', path: '/status/list/99', value: 1 }],
    [422, { op: 'replace', path: '/status/list/3', value: 1 }],
    [422, { op: 'replace', path: '/status/list/x', value: 1 }],
    [422, { op: 'replace', path: '/status/list/length', value: 0 }],
    [422, { op: 'remove', path: '/status/no' }],
    [422, { op: 'remove', path: '/status/constructor' }],
    [422, { op: 'move', from: '/status/no', path: '/status/x' }],
    [422, { op: 'move', from: '/status', path: '/status/list' }],
    [422, { op: 'test', path: '/spec/path', value: '/b' }],
    [422, { op: 'test', path: '/spec/no', value: 'x' }],
    [422, { op: 'add', path: '/spec/path/x', value: 1 }],
    [422, { op: 'add', path: '/status/__proto__', value: { x: 1 } }],
    [422, { op: 'add', path: '/__proto__/x', value: 1 }],
    [422, { op: 'nonsense', path: '/status' }],
    [422, { op: 'add', value: 1 }],
    [422, { op: 'add', path: 'status/x', value: 1 }],
    [422, { path: '/status' }],
    [400, 5 as unknown as object],
  ])('is rejected with %i: %j', (code, operation) => {
    expect(() => apply(operation)).toThrow(expect.objectContaining({ code }));
  });

  it('is rejected if it is not a list or has too many operations', () => {
    expect(() => jsonPatch({}, { op: 'add' })).toThrow(expect.objectContaining({ code: 400 }));
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/x' }));
    expect(() => jsonPatch({}, many)).toThrow(expect.objectContaining({ code: 413 }));
  });

  it('is rejected if its copies are too large or nested too deep', () => {
    const double = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ op: 'copy', from: '/a', path: `/a/${index}` }));
    expect(() => jsonPatch({ a: { x: 'x'.repeat(1000) } }, double(64))).toThrow(expect.objectContaining({ code: 422 }));
    const deeper = Array.from({ length: 64 }, () => ({ op: 'copy', from: '', path: '/a' }));
    expect(() => jsonPatch({ a: 1 }, deeper.concat(double(64)))).toThrow(expect.objectContaining({ code: 422 }));
  });

  it('fails only with a Status, for any patch', () => {
    const pointer = fc
      .array(fc.constantFrom('a', 'b', '0', '-1', '-', '', '~', '__proto__', 'constructor', 'length'), { maxLength: 4 })
      .map((segments) => segments.map((segment) => `/${segment}`).join(''));
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
      path: pointer,
      from: pointer,
      value: fc.jsonValue({ maxDepth: 2 }),
    });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.array(operation, { maxLength: 6 }), (target, operations) => {
        try {
          jsonPatch(JSON.parse(JSON.stringify(target)), operations);
        } catch (error) {
          expect(error).toBeInstanceOf(StatusError);
        }
        expect(({} as Record<string, unknown>)['a']).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});
