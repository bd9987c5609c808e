import { describe, expect, it } from 'vitest';
import { testConfig } from '../../tests/support/sessions/config.ts';
import { registered } from '../../tests/support/sessions/manifests.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { buildJupyterServer } from '../sessions/manifest/build.ts';
import { projectServer, withStatusOf } from './project-server.ts';
import { createValuePool } from './value-pool.ts';

const project = projectServer(jupyterServers, createValuePool(10_000));
const manifest = buildJupyterServer(registered, testConfig());
const raw: JupyterServer = {
  ...manifest,
  metadata: {
    ...manifest.metadata,
    annotations: {
      ...manifest.metadata.annotations,
      own: 'kept',
      'kopf.zalando.org/last-handled-configuration': 'a copy',
    },
  },
};
const created = { create_fn: { createdResources: { service: 'uid-of-service' } } };

describe('a JupyterServer in the cache', () => {
  it('has all that the creation of its children needs until the children exist', () => {
    const { spec, metadata } = project(raw);
    expect(spec).toEqual(raw.spec);
    expect(metadata.labels).toEqual(raw.metadata.labels);
    expect(metadata.annotations).not.toHaveProperty(['kopf.zalando.org/last-handled-configuration']);
  });

  it('has everything but the patches and copies of the object when the children exist', () => {
    const whole = { ...raw, status: created };
    const { spec, metadata, status } = project(whole);
    const { patches: _, ...rest } = raw.spec ?? {};
    expect(spec).toEqual(rest);
    expect(metadata.labels).toEqual(raw.metadata.labels);
    expect(metadata.annotations).toEqual({ ...manifest.metadata.annotations, own: 'kept' });
    expect(status).toEqual(created);
  });
});

describe('the values of the caches', () => {
  const value = { a: ['x', { b: 'x', c: 1, d: null }], e: 'y', f: 'z', g: 'x'.repeat(2_000) };

  it.each([1, 30, 10_000])(
    'are equal to those of the object, and not shared with it, in a pool of %i characters',
    (chars) => {
      const pool = createValuePool(chars);
      expect(pool.share(value)).toEqual(value);
      expect(pool.share(value)).toEqual(value);
      expect(pool.share(value).a).not.toBe(value.a);
    },
  );

  it('are one object if they are equal and not large', () => {
    const pool = createValuePool(10_000);
    const [one, other] = [pool.share(value), pool.share({ ...value, e: 'other' })];
    expect(other.a).toBe(one.a);
    expect(other).not.toBe(one);
    expect(pool.share(['x', { d: null, b: 'x', c: 1 }])).not.toBe(one.a);
  });
});

describe('the status of a pod', () => {
  it('is one object in the caches of pods and of JupyterServers, if it is the same', () => {
    const pod = { status: { phase: 'Running' } };
    const server = (phase: string) => ({ ...raw, status: { mainPod: { name: 'x-0', status: { phase } } } });
    const [same, other] = [server('Running'), server('Pending')];
    expect(withStatusOf(same, pod)).toEqual(same);
    expect(withStatusOf(same, pod).status?.mainPod?.status).toBe(pod.status);
    expect(withStatusOf(other, pod)).toBe(other);
    expect(withStatusOf(same, undefined)).toBe(same);
  });
});
