// @ts-check
/**
 * The fields of the form for each type of remote.
 *
 * @typedef {object} RemoteField
 * @property {'options' | 'credentials'} part Where the API has the value.
 * @property {string} name
 * @property {string} label
 * @property {string} [help]
 * @property {string} [placeholder]
 * @property {boolean} [isRequired]
 * @property {boolean} [isSecret] Whether the browser hides the text.
 * @property {boolean} [isLong] Whether the text has several lines.
 * @property {readonly (readonly [value: string, text: string])[]} [choices]
 * @typedef {{ label: string, fields: readonly RemoteField[] }} RemoteKind
 */

/** @param {string} name @param {string} label @param {Partial<RemoteField>} [more] @returns {RemoteField} */
const option = (name, label, more = {}) => ({ part: 'options', name, label, ...more });
/** @param {string} name @param {string} label @param {Partial<RemoteField>} [more] @returns {RemoteField} */
const secret = (name, label, more = {}) => ({ part: 'credentials', name, label, isSecret: true, ...more });

/** @type {Readonly<Record<string, RemoteKind>>} */
export const remoteKinds = {
  webdav: {
    label: 'Nextcloud or another WebDAV server',
    fields: [
      option('vendor', 'Kind of server', {
        choices: [
          ['nextcloud', 'Nextcloud'],
          ['owncloud', 'ownCloud'],
          ['infinitescale', 'ownCloud Infinite Scale'],
          ['fastmail', 'Fastmail'],
          ['rclone', 'rclone'],
          ['other', 'Another server'],
        ],
      }),
      option('url', 'Address', {
        isRequired: true,
        placeholder: 'https://cloud.example.org/remote.php/dav/files/ada',
        help: 'Nextcloud shows the address in Files, Files settings, WebDAV.',
      }),
      option('user', 'User', { isRequired: true }),
      secret('password', 'Password', {
        isRequired: true,
        help: 'For Nextcloud, create an app password in Settings, Security: it can be revoked on its own.',
      }),
    ],
  },
  s3: {
    label: 'S3',
    fields: [
      option('bucket', 'Bucket', { isRequired: true }),
      option('endpoint', 'Address', { placeholder: 'https://s3.example.org', help: 'Empty for AWS.' }),
      option('region', 'Region', { placeholder: 'us-east-1' }),
      option('provider', 'Provider', { placeholder: 'Minio', help: 'As rclone names it. Empty for AWS.' }),
      secret('access_key_id', 'Access key id', { isRequired: true, isSecret: false }),
      secret('secret_access_key', 'Secret access key', { isRequired: true }),
    ],
  },
  sftp: {
    label: 'SFTP',
    fields: [
      option('host', 'Host', { isRequired: true, placeholder: 'files.example.org' }),
      option('port', 'Port', { placeholder: '22' }),
      option('user', 'User', { isRequired: true }),
      option('host_key', 'Key of the server', {
        isRequired: true,
        placeholder: 'ssh-ed25519 AAAA...',
        help: 'As `ssh-keyscan HOST` prints it, without the name of the host. Compare it with the one that the operator of the server publishes.',
      }),
      secret('password', 'Password', { help: 'Or a private key.' }),
      secret('private_key', 'Private key', { isLong: true, help: 'In PEM format.' }),
      secret('passphrase', 'Passphrase of the private key'),
    ],
  },
  local: {
    label: 'A folder of the platform',
    fields: [option('folder', 'Folder', { isRequired: true, placeholder: '/data/shared' })],
  },
};
