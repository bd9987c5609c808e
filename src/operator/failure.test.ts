import { expect, it } from 'vitest';
import { quotaMessage } from './failure.ts';

it('says which quota of the platform is exhausted, and by how much', () => {
  const claim =
    'create persistentvolumeclaims truth/q: the Kubernetes API answered 403 Forbidden: persistentvolumeclaims "q" is forbidden: exceeded quota: qpvc, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=1, limited: persistentvolumeclaims=1';
  expect(quotaMessage(claim)).toBe(
    'The resource quota "qpvc" of the platform has been exceeded (persistentvolumeclaims: 1 of 1 used, 1 more needed).',
  );
  const storage =
    'exceeded quota: all, requested: persistentvolumeclaims=1,requests.storage=15Gi, used: persistentvolumeclaims=3,requests.storage=10Gi, limited: requests.storage=20Gi';
  expect(quotaMessage(storage)).toBe(
    'The resource quota "all" of the platform has been exceeded (requests.storage: 10Gi of 20Gi used, 15Gi more needed).',
  );
  expect(quotaMessage('denied by policy')).toBeUndefined();
});
