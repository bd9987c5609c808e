import { expect, it } from 'vitest';
import { templateOperations } from './resize.ts';

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
