import { expect, it } from 'vitest';
import { StatusError } from '../cluster.ts';
import { strategicMergePatch } from './strategic-merge.ts';

const pod = {
  metadata: { labels: { a: '1' }, finalizers: ['x/y'] },
  spec: {
    containers: [
      { name: 'one', image: 'a', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80, name: 'http' }] },
      { name: 'two', image: 'b', args: ['x', 'y'] },
    ],
    tolerations: [{ key: 'a' }],
  },
};

const containers = (patched: unknown) => (patched as typeof pod).spec.containers;

it('merges containers, variables and ports by their keys and replaces other lists', () => {
  const patched = strategicMergePatch(pod, {
    metadata: { labels: { b: '2' }, finalizers: ['z/z'] },
    spec: {
      containers: [
        { name: 'one', env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 80, protocol: 'TCP' }] },
        { name: 'two', args: ['z'] },
        { name: 'three', image: 'c' },
      ],
      tolerations: [{ key: 'b' }],
    },
  });
  expect(patched).toEqual({
    metadata: { labels: { a: '1', b: '2' }, finalizers: ['x/y', 'z/z'] },
    spec: {
      containers: [
        {
          name: 'one',
          image: 'a',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
          ports: [{ containerPort: 80, name: 'http', protocol: 'TCP' }],
        },
        { name: 'two', image: 'b', args: ['z'] },
        { name: 'three', image: 'c' },
      ],
      tolerations: [{ key: 'b' }],
    },
  });
});

it('follows the directives that kubectl sends', () => {
  const patched = strategicMergePatch(pod, {
    metadata: { labels: null, '$deleteFromPrimitiveList/finalizers': ['x/y'] },
    spec: {
      '$setElementOrder/containers': [{ name: 'three' }, { name: 'one' }],
      containers: [
        { name: 'two', $patch: 'delete' },
        { name: 'three', image: 'c' },
      ],
    },
  });
  expect(containers(patched).map(({ name }) => name)).toEqual(['three', 'one']);
  expect((patched as typeof pod).metadata).toEqual({ finalizers: [] });
  expect(JSON.stringify(patched)).not.toContain('$');
});

it('replaces as a whole on request', () => {
  const patched = strategicMergePatch(pod, { spec: { $patch: 'replace', containers: [{ name: 'only' }] } });
  expect((patched as typeof pod).spec).toEqual({ containers: [{ name: 'only' }] });
  const list = strategicMergePatch(pod, { spec: { containers: [{ $patch: 'replace' }, { name: 'only' }] } });
  expect(containers(list)).toEqual([{ name: 'only' }]);
});

it('refuses a patch that is no object, and items without their key', () => {
  expect(() => strategicMergePatch(pod, [])).toThrow(StatusError);
  expect(() => strategicMergePatch(pod, { spec: { containers: [{ image: 'x' }] } })).toThrow(StatusError);
});
