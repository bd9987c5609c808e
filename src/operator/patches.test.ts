import { describe, expect, it } from 'vitest';
import type { ChildPatch, JsonPatchOperation } from '../jupyter-server/types.ts';
import type { Children } from './children/manifest.ts';
import { applyPatches } from './patches.ts';

const children = (): Children => ({
  statefulset: { metadata: { name: 's' }, spec: { list: [{ name: 'zero' }, { name: 'one' }], gone: null } },
});
const json = (...patch: JsonPatchOperation[]): ChildPatch => ({ type: 'application/json-patch+json', patch });
const merge = (patch: Record<string, unknown>): ChildPatch => ({ type: 'application/merge-patch+json', patch });

describe('patches', () => {
  it('are applied in order, each to the result of the previous patch, and do not change the input', () => {
    const before = children();
    const after = applyPatches(before, [
      json({ op: 'add', path: '/statefulset/spec/list/-', value: { name: 'two' } }),
      json({ op: 'test', path: '/statefulset/spec/list/2/name', value: 'two' }),
      merge({ statefulset: { spec: { gone: null, more: { deep: 1 } } }, service: { metadata: {} } }),
      json(
        { op: 'replace', path: '/statefulset/spec/more/deep', value: 2 },
        { op: 'remove', path: '/statefulset/spec/list/0' },
      ),
    ]);
    expect(after).toEqual({
      statefulset: { metadata: { name: 's' }, spec: { list: [{ name: 'one' }, { name: 'two' }], more: { deep: 2 } } },
      service: { metadata: {} },
    });
    expect(before).toEqual(children());
  });

  it('can name keys that contain slashes', () => {
    const after = applyPatches({ a: { metadata: { annotations: {} } } }, [
      json({ op: 'add', path: '/a/metadata/annotations/x.io~1y~0z', value: 'v' }),
    ]);
    expect(after).toEqual({ a: { metadata: { annotations: { 'x.io/y~z': 'v' } } } });
  });

  it.each<[string, JsonPatchOperation]>([
    ['a test that fails', { op: 'test', path: '/statefulset/spec/list/0/name', value: 'other' }],
    ['a test of a missing path', { op: 'test', path: '/statefulset/spec/none', value: 'x' }],
    ['replacing a missing path', { op: 'replace', path: '/statefulset/spec/none', value: 1 }],
    ['removing a missing path', { op: 'remove', path: '/statefulset/spec/none' }],
    ['removing past the end', { op: 'remove', path: '/statefulset/spec/list/-' }],
    ['adding below a missing path', { op: 'add', path: '/statefulset/none/x', value: 1 }],
    ['adding past the end', { op: 'add', path: '/statefulset/spec/list/9', value: 1 }],
    ['an index with a leading zero', { op: 'add', path: '/statefulset/spec/list/01', value: 1 }],
    ['a name as index', { op: 'add', path: '/statefulset/spec/list/length', value: 1 }],
    ['copying an inherited property', { op: 'copy', from: '/statefulset/toString', path: '/x' }],
    ['moving into itself', { op: 'move', from: '/statefulset', path: '/statefulset/spec' }],
    ['a pointer without a slash', { op: 'add', path: 'x', value: 1 }],
    ['an add without a value', { op: 'add', path: '/x' }],
    ['an unknown operation', { op: 'explode' as 'add', path: '/x', value: 1 }],
    ['a prototype', { op: 'add', path: '/__proto__/polluted', value: 1 }],
    ['replacing the whole document by a string', { op: 'replace', path: '', value: 'text' }],
  ])('%s causes an error that names the patch', (_name, operation) => {
    const patches = [merge({}), json({ op: 'test', path: '/statefulset/metadata/name', value: 's' }, operation)];
    expect(() => applyPatches(children(), patches)).toThrow(/^spec\.patches\[1\]/);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('that fail cause an error without the values of the patch', () => {
    const patch = json({ op: 'test', path: '/statefulset/metadata/name', value: 'SECRET' });
    expect(() => applyPatches(children(), [patch])).toThrow(
      'spec.patches[0].patch[0] (test /statefulset/metadata/name) found another value',
    );
  });

  it.each<[string, unknown]>([
    ['no type', { patch: [] }],
    ['an unknown type', { type: 'application/strategic-merge-patch+json', patch: {} }],
    ['null', null],
    ['a JSON patch that is not a list', { type: 'application/json-patch+json', patch: {} }],
    ['an operation that is not an object', { type: 'application/json-patch+json', patch: [null] }],
    ['a merge patch that removes everything', { type: 'application/merge-patch+json', patch: 5 }],
  ])('%s causes an error', (_name, patch) => {
    expect(() => applyPatches(children(), [patch as ChildPatch])).toThrow(/^spec\.patches\[0\]/);
  });

  it('that make the document too large are rejected', () => {
    const copies = Array.from({ length: 40 }, (_, i) => json({ op: 'copy', from: '', path: `/c${i}` }));
    expect(() => applyPatches(children(), copies)).toThrow('too large');
  });

  it('cannot change prototypes', () => {
    const patch = JSON.parse('{"statefulset":{"__proto__":{"polluted":1}}}') as Record<string, unknown>;
    const after = applyPatches(children(), [merge(patch)]);
    expect(after['statefulset']).not.toHaveProperty('polluted');
  });
});
