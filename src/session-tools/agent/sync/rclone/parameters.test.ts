import { expect, it } from 'vitest';
import type { Credentials, RemoteInput } from '../../../../session-contract/sync-remote.ts';
import { type RemotePolicy, rcloneRemote } from './parameters.ts';

const policy: RemotePolicy = { types: ['webdav', 's3', 'sftp', 'local'], localFolders: ['/data/shared'] };
const proxyUrl = 'http://rclone:key@127.0.0.1:1';
const of = (remote: RemoteInput, credentials: Credentials = { password: 'p' }, permitted = policy) =>
  rcloneRemote(remote, credentials, permitted, proxyUrl);
const url = 'https://cloud.example.org/remote.php/dav/files/ada';
const webdav = (options: Record<string, string> = {}, path = ''): RemoteInput => ({
  ...{ type: 'webdav', path },
  options: { url, user: 'ada', ...options },
});
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHtheKeyOfTheServerAAAAAAAAAAAAAAAAAAAAAAAAA';
const sftp = (options: Record<string, string>) => ({
  type: 'sftp',
  path: '',
  options: { host: 'h', user: 'u', ...options },
});

it('gives rclone fixed parameters, and the path after the colon', () => {
  expect(of(webdav({ vendor: 'nextcloud' }, 'a b/:x,y=z:'))).toEqual({
    ...{ type: 'webdav', root: 'a b/:x,y=z:', host: 'cloud.example.org' },
    parameters: { url, vendor: 'nextcloud', user: 'ada', pass: 'p' },
  });
  expect(of(sftp({ host_key: key }))).toMatchObject({
    parameters: { host_keys: key, http_proxy: proxyUrl, shell_type: 'none', key_use_agent: 'false', pass: 'p' },
  });
  const s3 = { type: 's3', path: 'd', options: { bucket: 'mine' } };
  expect(of(s3, { access_key_id: 'a', secret_access_key: 's' })).toMatchObject({
    ...{ root: 'mine/d/' },
    parameters: { provider: 'AWS', env_auth: 'false', no_check_bucket: 'true' },
  });
});

it.each([
  ['an option that runs a command', { bearer_token_command: 'id' }],
  ['an option that connects without the proxy', { unix_socket: '/run/docker.sock' }],
  ['an option with the name of a member of objects', { constructor: 'x' }],
  ['a URL with a password', { url: 'https://ada:secret@cloud.example.org' }],
  ['a URL of another kind', { url: 'file:///etc' }],
  ['a URL with a line break', { url: 'https://cloud.example.org/\nx' }],
  ['an unknown vendor', { vendor: 'sharepoint-ntlm' }],
])('rejects %s', (_name, options) => {
  expect(() => of(webdav({ ...options }))).toThrow(/remote\.options\./);
});

it.each(['../x', 'a/../b', '/etc', 'a//b', '.', 'a\\b', 'a\nb'])('rejects the path %j', (path) => {
  expect(() => of(webdav({}, path))).toThrow(/remote\.path/);
});

it.each([
  sftp({ host_key: key, ssh: 'sh -c id' }),
  sftp({ host_key: key, server_command: 'id' }),
  sftp({ host_key: key, host: '-oProxyCommand=id' }),
  sftp({ host_key: `${key},ssh-rsa AAAA` }),
  sftp({}),
  { type: ':local', path: '', options: {} },
  { type: 'alias', path: '', options: { remote: '/' } },
  { type: 'local', path: '', options: { folder: '/data/shared/../other' } },
])('rejects the remote %j', (remote) => {
  expect(() => of(remote)).toThrow(expect.objectContaining({ reason: 'rejected' }));
});

it('rejects types and folders that the platform does not permit', () => {
  const message = 'does not permit remotes of the type webdav. It permits: s3.';
  expect(() => of(webdav(), { password: 'p' }, { types: ['s3'], localFolders: [] })).toThrow(message);
  const local = { type: 'local', path: '', options: { folder: '/data/shared' } };
  expect(() => of(local, {}, { types: ['local'], localFolders: [] })).toThrow('It permits: none.');
  expect(of({ ...local, path: 'a' }, {})).toMatchObject({ root: '/data/shared/a' });
});
