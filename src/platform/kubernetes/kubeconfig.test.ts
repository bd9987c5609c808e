import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentialReader } from './credentials.ts';
import { type KubeConfig, loadKubeConfig, parseKubeConfig } from './kubeconfig.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, content: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** A kubeconfig with one cluster, context and user of the same name. */
const configOf = (name: string, { cluster = {}, user = {}, current = name } = {}) =>
  JSON.stringify({
    'current-context': current,
    clusters: [{ name, cluster: { server: `https://${name}.example.org`, ...cluster } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: `ns-${name}` } }],
    users: [{ name, user }],
  });

/** Never the service account of the machine that runs the tests. */
const load = (env: NodeJS.ProcessEnv, context?: string, serviceAccount = join(folder, 'none')) =>
  loadKubeConfig(context ?? '', { env, serviceAccount });

async function credentialsOf({ cluster, user }: KubeConfig) {
  if (!cluster) throw new Error('there is no cluster');
  return await createCredentialReader(cluster, user)();
}

describe('loadKubeConfig', () => {
  it('uses the files of KUBECONFIG, then ~/.kube/config, then the service account, then localhost', async () => {
    const home = join(folder, 'home');
    const account = join(folder, 'account');
    write('account/token', 'T\n');
    write('account/namespace', 'sessions\n');
    write('account/ca.crt', 'CA');
    expect((await load({ HOME: home })).cluster?.server).toBe('http://localhost:8080');
    const pod = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
    const inPod = await load({ HOME: home, ...pod }, undefined, account);
    expect(inPod.cluster?.server).toBe('https://[fd00::1]:6443');
    expect(inPod.context?.namespace).toBe('sessions');
    write('home/.kube/config', configOf('home'));
    expect((await load({ HOME: home, ...pod }, undefined, account)).cluster?.name).toBe('home');
    const KUBECONFIG = write('named', configOf('named'));
    expect((await load({ HOME: home, KUBECONFIG }, undefined, account)).cluster?.name).toBe('named');
  });

  it('merges the files of KUBECONFIG, of which the first with an entry wins, and ignores missing ones', async () => {
    const [first, second] = [write('a', configOf('a')), write('b', configOf('b'))];
    const shadowed = write('c', configOf('a', { cluster: { server: 'https://other.example.org' }, current: 'b' }));
    const KUBECONFIG = [join(folder, 'missing'), first, second, shadowed].join(delimiter);
    expect((await load({ KUBECONFIG })).cluster?.server).toBe('https://a.example.org');
    const chosen = await load({ KUBECONFIG }, 'b');
    expect(chosen).toMatchObject({ context: { namespace: 'ns-b' }, cluster: { name: 'b' }, user: { name: 'b' } });
    await expect(load({ KUBECONFIG }, 'd')).rejects.toThrow('has no context "d"; its contexts are: a, b, a');
  });

  it('names the file that is missing or invalid', async () => {
    const missing = join(folder, 'missing');
    await expect(load({ KUBECONFIG: missing })).rejects.toThrow(`the kubeconfig ${missing} does not exist`);
    const list = write('list', '- 1');
    await expect(load({ KUBECONFIG: list })).rejects.toThrow(`${list} cannot be read: the kubeconfig is not a mapping`);
    const nameless = write('nameless', JSON.stringify({ clusters: [{ cluster: { server: 'https://a' } }] }));
    await expect(load({ KUBECONFIG: nameless })).rejects.toThrow('clusters[0].name is missing');
  });

  it('reads certificates and keys relative to the file that names them', async () => {
    write('deep/ca', 'CA');
    write('deep/cert', 'CERT');
    write('deep/key', 'KEY');
    const user = { 'client-certificate': 'cert', 'client-key': 'key' };
    const KUBECONFIG = write('deep/config', configOf('a', { cluster: { 'certificate-authority': 'ca' }, user }));
    const { ca, cert, key } = await credentialsOf(await load({ KUBECONFIG }));
    expect([ca, cert, key].map(String)).toEqual(['CA', 'CERT', 'KEY']);
  });
});

describe('credentials of a kubeconfig', () => {
  const of = async (user: object, cluster: object = {}) =>
    await credentialsOf(await parseKubeConfig(configOf('a', { cluster, user })));

  it('are the token, the password or the certificate of the user, and the TLS settings of the cluster', async () => {
    expect(await of({ token: 'T' })).toEqual({ headers: { Authorization: 'Bearer T' } });
    expect(await of({ username: 'u', password: 'p', as: 'other' })).toEqual({
      auth: 'u:p',
      headers: { 'Impersonate-User': 'other' },
    });
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const withData = { 'certificate-authority': '/missing', 'certificate-authority-data': base64('CA') };
    const { ca, ...rest } = await of({}, { ...withData, 'tls-server-name': 'x', 'insecure-skip-tls-verify': true });
    expect(String(ca)).toBe('CA');
    expect(rest).toEqual({ servername: 'x', rejectUnauthorized: false, headers: {} });
  });

  it('need no user', async () => {
    const { users: _users, ...config } = JSON.parse(configOf('a'));
    const kubeconfig = await parseKubeConfig(JSON.stringify(config));
    expect(await credentialsOf(kubeconfig)).toEqual({ headers: {} });
  });

  it('are read again from the token file of a pod', async () => {
    const file = write('account/token', 'first');
    const { cluster, user } = await load({}, undefined, join(folder, 'account'));
    if (!cluster) throw new Error('there is no cluster');
    write('account/ca.crt', 'CA');
    const read = createCredentialReader(cluster, user);
    expect((await read()).headers).toEqual({ Authorization: 'Bearer first' });
    writeFileSync(file, 'second');
    expect((await read()).headers).toEqual({ Authorization: 'Bearer second' });
  });

  it('come from a credential plug-in, which runs again when its token has expired', async () => {
    const script = write(
      'plug-in',
      `#!/bin/sh\necho x >> "$0.calls"\necho '{"status":{"token":"T'$(wc -l < "$0.calls" | tr -d ' ')'","expirationTimestamp":"'$EXPIRES'"}}'\n`,
    );
    chmodSync(script, 0o755);
    const readerFor = async (expires: string) => {
      const exec = { command: script, args: [], env: [{ name: 'EXPIRES', value: expires }] };
      const { cluster, user } = await parseKubeConfig(configOf('a', { user: { exec } }));
      if (!cluster) throw new Error('there is no cluster');
      return createCredentialReader(cluster, user);
    };
    const lasting = await readerFor('2999-01-01T00:00:00Z');
    expect((await lasting()).headers).toEqual({ Authorization: 'Bearer T1' });
    expect((await lasting()).headers).toEqual({ Authorization: 'Bearer T1' });
    const expired = await readerFor('2000-01-01T00:00:00Z');
    expect((await expired()).headers).toEqual({ Authorization: 'Bearer T2' });
    expect((await expired()).headers).toEqual({ Authorization: 'Bearer T3' });
  });

  it('fail with the name of an unknown auth-provider', async () => {
    await expect(of({ 'auth-provider': { name: 'magic' } })).rejects.toThrow(
      'the user "a" of the kubeconfig has the unknown auth-provider "magic"',
    );
  });
});
