import { readFileSync } from 'node:fs';
import { afterAll, beforeEach, expect, inject } from 'vitest';
import { release } from './release.ts';

// The global setup prints a warning.
beforeEach(({ skip }) => skip(inject('e2e') === undefined, 'there is no cluster with real pods'));

const isUnauthorized = /"code":401\b|"authorization\.k8s\.io\/decision":"forbid"/;

// The service and the operator have the roles of the chart. After each file, no request of theirs was rejected, except by
// admission, for example because of a quota.
afterAll(() => {
  const { cluster } = inject('e2e') ?? {};
  if (cluster === undefined) return;
  const rejected = readFileSync(cluster.controlPlane.auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`system:serviceaccount:${release.namespace}:`) && isUnauthorized.test(line));
  expect(rejected, 'requests that the API server rejected').toEqual([]);
});
