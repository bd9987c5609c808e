import { expect, it } from 'vitest';
import type { Child, StatefulSetState } from './child.ts';
import type { MainPod } from './pod.ts';
import { isStuck, templateOperations } from './resize.ts';

const set = (spec: object) => ({ spec: { template: { spec } } });
const shm = (sizeLimit: string) => ({ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit } });
const claim = { name: 'workspace', persistentVolumeClaim: { claimName: 'x' } };

it('another resource class changes the priority class and the sizes of emptyDirs, and no other volume', () => {
  const live = set({ priorityClassName: 'small', volumes: [claim, shm('1')] });
  const wanted = set({ priorityClassName: 'large', volumes: [shm('2'), { ...claim, emptyDir: {} }, { name: 'new' }] });
  expect(templateOperations(live, wanted)).toEqual([
    { op: 'add', path: '/spec/template/spec/priorityClassName', value: 'large' },
    { op: 'test', path: '/spec/template/spec/volumes/1/name', value: 'shm' },
    { op: 'replace', path: '/spec/template/spec/volumes/1', value: shm('2') },
  ]);
});

it('a class without a quota removes the priority class', () => {
  const none = { op: 'add', path: '/spec/template/spec/priorityClassName', value: '' };
  expect(templateOperations(set({ priorityClassName: 'small' }), set({}))).toEqual([none]);
  expect(templateOperations(set({}), set({}))).toEqual([none]);
});

it.each([
  ['not ready', true, {}, {}],
  ['ready, which Kubernetes replaces', false, {}, { conditions: [{ type: 'Ready', status: 'True' }] }],
  ['of a StatefulSet with the policy Parallel', false, { parallel: true }, {}],
  ['of the newest template', false, { updateRevision: 'first' }, {}],
  ['whose template Kubernetes has not seen yet', false, { generation: 3 }, {}],
] as const)('a pod of a former template is stuck if it is %s: %s', (_of, expected, changed, status) => {
  const state: Partial<StatefulSetState> = { parallel: false, generation: 2, observedGeneration: 2, ...changed };
  const statefulSet = { updateRevision: 'second', ...state };
  const pod = { revision: 'first', terminating: false, status } as unknown as MainPod;
  expect(isStuck(pod, { statefulSet } as unknown as Child)).toBe(expected);
});
