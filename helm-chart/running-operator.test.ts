import { describe, expect, it } from 'vitest';
import { handOverPatch } from './amalthea/handled.ts';
import { isHeld, podOf, watches } from './running-operator.ts';

const now = Date.parse('2026-01-01T00:10:00Z');
const lease = (holderIdentity: string | null, renewTime: string) => ({
  metadata: {},
  spec: { holderIdentity, renewTime, leaseDurationSeconds: 15 },
});

describe('the lease of the operator', () => {
  it('is held until it is released, or has not been renewed for its duration and the difference of two clocks', () => {
    expect(isHeld(lease('pod_1', '2026-01-01T00:09:58Z'), now)).toBe(true);
    expect(isHeld(lease('pod_1', '2026-01-01T00:09:00Z'), now)).toBe(true);
    expect(isHeld(lease('pod_1', '2026-01-01T00:08:00Z'), now)).toBe(false);
    expect(isHeld(lease(null, '2026-01-01T00:09:58Z'), now)).toBe(false);
    expect(isHeld({ metadata: {} }, now)).toBe(false);
  });

  it('has the name of a pod in its holder, or a text that is not passed to kubectl', () => {
    expect(podOf(lease('operator-7d9f-x2x_0b5c', ''))).toBe('operator-7d9f-x2x');
    for (const holder of ['--server=http://example.org_1', '_1', 'a b_1', 'pod', null])
      expect(podOf(lease(holder, ''))).toBeUndefined();
  });

  it('belongs to an operator that watches the namespaces in the environment of its pod', () => {
    const pod = (name: string, value: string) => ({ metadata: {}, spec: { containers: [{ env: [{ name, value }] }] } });
    expect(watches(pod('NAMESPACES', 'sessions,notebooks'), 'notebooks')).toBe(true);
    expect(watches(pod('NAMESPACES', 'sessions'), 'notebooks')).toBe(false);
    expect(watches(pod('CLUSTER_WIDE', 'true'), 'notebooks')).toBe(true);
  });
});

describe('a session that is handed over to Amalthea', () => {
  const resources = { requests: { cpu: 1 } };
  const spec = { jupyterServer: { hibernated: true, resources } };

  it('has an annotation of what Amalthea would have handled last', () => {
    expect(handOverPatch({ metadata: {}, spec, status: { create_fn: {} } })).toEqual({
      metadata: {
        annotations: {
          'kopf.zalando.org/last-handled-configuration': JSON.stringify({
            spec: { jupyterServer: { hibernated: true, resources } },
          }),
        },
      },
    });
  });

  it('has no conditions, so that the service does not leave its end to this operator', () => {
    const annotations = { 'kopf.zalando.org/last-handled-configuration': '{}' };
    expect(handOverPatch({ metadata: { annotations }, spec, status: { create_fn: {}, conditions: [] } })).toEqual({
      status: { conditions: null },
    });
  });

  it('needs no annotation if Amalthea has handled it before, or must create its children', () => {
    const annotations = { 'kopf.zalando.org/last-handled-configuration': '{}' };
    expect(handOverPatch({ metadata: { annotations }, spec, status: { create_fn: {} } })).toBeUndefined();
    expect(handOverPatch({ metadata: {}, spec })).toBeUndefined();
  });
});
