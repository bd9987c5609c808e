import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isObject } from '../../src/lib/json.ts';
import { convertValues } from './convert.ts';
import { rows } from './table.ts';

const chart = join(import.meta.dirname, '..', 'notebook-sessions');
const schema: unknown = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8'));

/** Returns whether the schema of the chart has the key, or accepts any key there. */
function isValue(key: string): boolean {
  let group = schema;
  for (const name of key.split('.')) {
    const properties = isObject(group) ? group['properties'] : undefined;
    if (!isObject(properties)) return isObject(group) && group['additionalProperties'] !== false;
    if (!Object.hasOwn(properties, name)) return false;
    group = properties[name];
  }
  return true;
}

describe('values of renku-notebooks 1.18.1', () => {
  it('are converted to values that the chart has', () => {
    expect(rows.flatMap(({ to }) => (to !== undefined && !isValue(to) ? [to] : []))).toEqual([]);
    expect(isValue('config.git.ulr')).toBe(false);
  });

  it('each have a counterpart or a reason why there is none', () => {
    expect(rows.filter(({ to, note }) => to === undefined && note === undefined)).toEqual([]);
    const names = rows.map(({ from }) => from);
    expect(new Set(names).size).toBe(names.length);
  });

  it('keep their meaning under the names of this chart', () => {
    const original = parse(`
      replicaCount: 3
      debug: true
      gitlab: {url: https://gitlab.example.org, registry: {host: registry.example.org}}
      sessionIngress: {host: sessions.example.org, tlsSecret: tls, annotations: {a: b}}
      oidc: {clientId: id, clientSecret: secret, allowUnverifiedEmail: true}
      culling: {idleThresholdSeconds: {anonymous: 10, registered: 20}, maxAgeSecondsThreshold: {registered: 30}}
      userSessionPersistentVolumes: {enabled: true, storageClass: fast}
      serverOptions:
        defaultUrl: {order: 1, displayName: Page, type: enum, default: /lab, options: [/lab, /rstudio]}
        cpu_request: {order: 2, options: [1]}
      serverDefaults: {defaultUrl: /lab, lfs_auto_fetch: true, cpu_request: 1}
      defaultSessionImage: renku/renkulab-py:3.9
      gitRpcServer: {image: {name: renku/git-rpc-server, tag: 1.18.1}}
      ssh: {enabled: true, hostKeySecret: keys}
      ingress: {enabled: true, hosts: [{host: api.example.org}, {host: other.example.org}], tls: [{secretName: api-tls}]}
      sessionTolerations: null
    `);
    const { values, notes } = convertValues(original);
    expect(values).toEqual({
      service: { replicaCount: 3, logLevel: 'debug' },
      images: { session: { repository: 'docker.io/renku/renkulab-py', tag: '3.9' } },
      ingress: { enabled: true, host: 'api.example.org', tlsSecret: 'api-tls' },
      config: {
        git: { url: 'https://gitlab.example.org', registry: 'registry.example.org' },
        ssh_enabled: true,
        server_options: {
          ui_choices: {
            defaultUrl: { order: 1, displayName: 'Page', type: 'enum', default: '/lab', options: ['/lab', '/rstudio'] },
          },
          defaults: { defaultUrl: '/lab', lfs_auto_fetch: true },
        },
        sessions: {
          ingress: { host: 'sessions.example.org', tls_secret: 'tls', annotations: { a: 'b' } },
          oidc: { client_id: 'id', client_secret: 'secret', allow_unverified_email: true },
          culling: { anonymous: { idle_seconds: 10 }, registered: { idle_seconds: 20, max_age_seconds: 30 } },
          storage: { pvs_enabled: true, pvs_storage_class: 'fast' },
          ssh: { enabled: true, host_key_secret: 'keys' },
        },
      },
    });
    expect(notes.filter((note) => note.includes('no counterpart')).map((note) => note.split(' ')[0])).toEqual([
      'serverOptions.cpu_request',
      'serverDefaults.cpu_request',
      'gitRpcServer.image',
    ]);
  });

  it.each([
    ['jupyter/minimal', 'docker.io/jupyter/minimal', 'latest'],
    ['ubuntu:24.04', 'docker.io/library/ubuntu', '24.04'],
    ['quay.io/jupyter/base:1', 'quay.io/jupyter/base', '1'],
    ['localhost:5000/a/b', 'localhost:5000/a/b', 'latest'],
  ])('keep the registry that the image %s means', (reference, repository, tag) => {
    expect(convertValues({ defaultSessionImage: reference }).values).toEqual({
      images: { session: { repository, tag } },
    });
  });

  it('keep the names of Secrets, of a ServiceAccount and of the resource', () => {
    const original = parse(`
      image: {pullSecrets: [registry-login]}
      rbac: {create: false, serviceAccountName: platform}
      amalthea:
        crdApiGroup: example.org
        crdNames: {plural: servers, singular: server}
        culling: {jupyterServerPendingCheckIntervalSeconds: 60}
    `);
    const { values, notes } = convertValues(original);
    expect(values).toEqual({
      images: { pullSecrets: [{ name: 'registry-login' }] },
      rbac: { create: false },
      service: { serviceAccount: { create: false, name: 'platform' } },
      config: { amalthea: { group: 'example.org', plural: 'servers' } },
    });
    expect(notes.join('\n')).not.toContain('check its spelling');
    // The default values of the original have a name that it does not use.
    expect(convertValues({ rbac: { create: true, serviceAccountName: 'default' } }).values).toEqual({
      rbac: { create: true },
    });
  });

  it('that have no counterpart, or are misspelt, are named with the reason', () => {
    const { values, notes } = convertValues({
      k8sWatcher: { replicaCount: 2 },
      amalthea: { deployCrd: true, scope: {} },
      glitab: 1,
    });
    expect(values).toEqual({ crd: { install: true } });
    expect(notes.slice(0, 3)).toEqual([
      'k8sWatcher has no counterpart (the service watches sessions itself)',
      'amalthea.scope has no counterpart (this chart has an operator of its own (operator); with Amalthea, set operator.enabled to false)',
      'glitab: not a value of the chart of renku-notebooks 1.18.1; check its spelling',
    ]);
  });

  it('come with the decisions that this chart needs', () => {
    const withoutDomain = convertValues({}).notes.join('\n');
    expect(withoutDomain).toContain('set config.identity.gateway to verified');
    expect(withoutDomain).toContain('have the git-proxy and git-sidecar of this project');
    expect(withoutDomain).toContain('config.sessions.ingress: the original has annotations');
    expect(convertValues({ global: { renku: { domain: 'renku.example.org' } } }).notes[1]).toContain(
      'the audience renku',
    );
  });
});
