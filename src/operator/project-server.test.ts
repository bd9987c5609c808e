import { describe, expect, it } from 'vitest';
import { testConfig } from '../../tests/support/sessions/config.ts';
import { registered } from '../../tests/support/sessions/manifests.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { buildJupyterServer } from '../sessions/manifest/build.ts';
import { projectServer } from './project-server.ts';
import { createStringPool } from './string-pool.ts';

const project = projectServer(jupyterServers, createStringPool(100));
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

describe('the strings of the caches', () => {
  it('are equal and not shared with the raw object, also after the pool starts anew', () => {
    const pool = createStringPool(2);
    const value = { a: ['x', { b: 'x', c: 1, d: null }], e: 'y', f: 'z', g: 'x'.repeat(100) };
    expect(pool.share(value)).toEqual(value);
    expect(pool.share(value)).not.toBe(value);
  });
});
