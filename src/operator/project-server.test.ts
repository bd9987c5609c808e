import { describe, expect, it } from 'vitest';
import { jupyterServer } from '../../tests/support/operator/examples.ts';
import { testConfig } from '../../tests/support/sessions/config.ts';
import { registered } from '../../tests/support/sessions/manifests.ts';
import { hibernation } from '../jupyter-server/hibernation.ts';
import { annotation } from '../jupyter-server/labels.ts';
import { ownerOf } from '../jupyter-server/owner.ts';
import { jupyterServers } from '../jupyter-server/resource.ts';
import type { JupyterServer } from '../jupyter-server/types.ts';
import { buildJupyterServer } from '../sessions/manifest/build.ts';
import { projectServer } from './project-server.ts';
import { sessionUrl } from './session-url.ts';
import { createStringPool } from './string-pool.ts';
import { clearHibernation } from './update-stateful-set.ts';

const project = projectServer(jupyterServers, createStringPool(100));
const manifest = buildJupyterServer(registered, testConfig());
const raw: JupyterServer = {
  ...manifest,
  metadata: {
    ...manifest.metadata,
    annotations: {
      ...manifest.metadata.annotations,
      ...Object.fromEntries(
        Object.entries(hibernation(new Date(0)).metadata.annotations).map(([key, value]) => [key, value ?? 'x']),
      ),
      [annotation.restartedPod]: 'uid-of-pod',
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

  it('has only what the operator reads when the children exist', () => {
    const whole = { ...raw, status: created };
    const kept = project(whole);
    const isOidc = (server: JupyterServer) => server.spec?.auth?.oidc?.enabled === true;
    expect(ownerOf({ ...kept.metadata }, isOidc(kept))).toBe(ownerOf({ ...raw.metadata }, isOidc(raw)));
    expect(sessionUrl(kept)).toEqual(sessionUrl(raw));
    expect(clearHibernation(kept)).toEqual(clearHibernation(raw));
    expect(kept.metadata.annotations?.[annotation.restartedPod]).toBe('uid-of-pod');
    for (const part of ['culling', 'storage'] as const) expect(kept.spec?.[part]).toEqual(raw.spec?.[part]);
    expect(kept.spec?.jupyterServer?.resources).toEqual(raw.spec?.jupyterServer?.resources);
    expect(JSON.stringify(kept).length).toBeLessThan(JSON.stringify(whole).length / 4);
  });

  it('has Jupyter’s token, with which the operator reads the activity', () => {
    const anonymous = { ...jupyterServer({ auth: { token: 'secret' } }), status: created };
    expect(project(anonymous).spec?.auth?.token).toBe('secret');
  });

  it('has only the valid fields of the status that the operator writes', () => {
    const status = { ...created, state: 'running' as const, idleSeconds: '1', events: { pod: { message: 'm' } } };
    const { idleSeconds: _, ...own } = status;
    expect(project({ ...raw, status }).status).toEqual(own);
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
