/**
 * The remotes of file sync: for each type, the only settings and credentials that a user can give. Everything else that rclone knows
 * stays at its default, because some of its options run commands or read files of the machine.
 */

export type RemoteType = 'webdav' | 's3' | 'sftp' | 'local';

/** Types that the platform permits by default: they connect through the proxy of the agent. */
export const defaultRemoteTypes: readonly RemoteType[] = ['webdav', 's3', 'sftp'];
export const remoteTypes: readonly RemoteType[] = [...defaultRemoteTypes, 'local'];

export interface RemoteInput {
  /** The folder at the remote, relative to its top, with slashes; empty: the top. */
  readonly path: string;
  readonly type: string;
  readonly options: Readonly<Record<string, string>>;
}

export type Credentials = Readonly<Record<string, string>>;

interface Rule {
  readonly isRequired?: boolean;
  readonly pattern: RegExp;
  /** Completes "must be ...". */
  readonly expected: string;
}

const oneLine = /^[^\p{Cc}]{1,1000}$/u;
const name: Rule = { pattern: oneLine, expected: 'one line of at most 1000 characters' };
const secret: Rule = { pattern: /^[^\p{Cc}]{1,8000}$/u, expected: 'one line of at most 8000 characters' };
const bucket: Rule = {
  isRequired: true,
  pattern: /^[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}$/,
  expected: 'the name of a bucket',
};
const host: Rule = {
  isRequired: true,
  pattern: /^(?:[a-zA-Z0-9](?:[-a-zA-Z0-9.]{0,252}[a-zA-Z0-9])?|[0-9a-fA-F:]{2,45})$/,
  expected: 'the name or the address of a host, without a port',
};
const vendors = ['nextcloud', 'owncloud', 'infinitescale', 'fastmail', 'rclone', 'other'] as const;

/** `https://host/path`, without a user, a query and a fragment. */
const url: Rule = {
  pattern: /^https?:\/\/[^\s\p{Cc}@?#\\]{1,1000}$/u,
  expected: 'an https URL without a user and a query',
};

const rules: Readonly<
  Record<
    RemoteType,
    {
      readonly options: Readonly<Record<string, Rule>>;
      readonly credentials: Readonly<Record<string, Rule>>;
      /** At least one of these credentials. */
      readonly oneOf: readonly string[];
    }
  >
> = {
  webdav: {
    options: {
      url: { ...url, isRequired: true },
      user: name,
      vendor: { pattern: new RegExp(`^(?:${vendors.join('|')})$`), expected: `one of ${vendors.join(', ')}` },
    },
    credentials: { password: secret, bearer_token: secret },
    oneOf: ['password', 'bearer_token'],
  },
  s3: {
    options: {
      endpoint: url,
      bucket,
      region: { pattern: /^[a-z0-9][-a-z0-9]{0,62}$/, expected: 'the name of a region' },
      provider: { pattern: /^[A-Za-z0-9]{1,40}$/, expected: 'a provider as rclone names it, for example AWS or Minio' },
    },
    credentials: {
      access_key_id: { ...secret, isRequired: true },
      secret_access_key: { ...secret, isRequired: true },
      session_token: secret,
    },
    oneOf: ['secret_access_key'],
  },
  sftp: {
    options: {
      host,
      port: { pattern: /^[1-9]\d{0,4}$/, expected: 'a port' },
      user: { ...name, isRequired: true },
      host_key: {
        isRequired: true,
        pattern: /^[a-z0-9@.-]{4,60} [A-Za-z0-9+/]{30,2000}={0,2}$/,
        expected: 'the public key of the server as `ssh-keyscan HOST` prints it, without the name of the host',
      },
    },
    credentials: {
      password: secret,
      private_key: {
        pattern:
          /^-----BEGIN [A-Z ]{1,40}PRIVATE KEY-----\n[A-Za-z0-9+/=:,\-\s]{1,16000}-----END [A-Z ]{1,40}PRIVATE KEY-----\n?$/,
        expected: 'a private key in PEM format',
      },
      passphrase: secret,
    },
    oneOf: ['password', 'private_key'],
  },
  local: {
    options: {
      folder: { isRequired: true, pattern: /^\/[^\p{Cc}]{0,1000}$/u, expected: 'the absolute path of a folder' },
    },
    credentials: {},
    oneOf: [],
  },
};

/** An invalid member of a remote: `member` is its path, for example `remote.options.url`. */
export interface InvalidMember {
  readonly member: string;
  readonly message: string;
}

/** Returns the type of a remote; undefined if this project does not know it. */
export const remoteType = (type: string): RemoteType | undefined => remoteTypes.find((each) => each === type);

/**
 * Returns what is invalid in a remote and its credentials. Pure.
 * @param credentials undefined: the stored credentials stay
 */
export function checkRemote(remote: RemoteInput, credentials: Credentials | undefined): InvalidMember[] {
  const type = remoteType(remote.type);
  if (!type) return [{ member: 'remote.type', message: `must be one of ${remoteTypes.join(', ')}` }];
  const { options, credentials: ofType, oneOf } = rules[type];
  const found = [
    ...checkMembers('remote.options', type, options, remote.options),
    ...(credentials === undefined ? [] : checkMembers('credentials', type, ofType, credentials)),
  ];
  const given = credentials ?? {};
  if (credentials !== undefined && oneOf.length > 0 && !oneOf.some((each) => given[each] !== undefined))
    found.push({ member: 'credentials', message: `must have ${oneOf.join(' or ')}` });
  if (type === 'webdav' && given['password'] !== undefined && remote.options['user'] === undefined)
    found.push({ member: 'remote.options.user', message: 'is required with a password' });
  if (!isRemotePath(remote.path))
    found.push({
      member: 'remote.path',
      message: 'must be a relative path with slashes, without "." and ".." and empty parts',
    });
  return found;
}

function checkMembers(
  member: string,
  type: RemoteType,
  known: Readonly<Record<string, Rule>>,
  given: Readonly<Record<string, string>>,
): InvalidMember[] {
  const names = Object.keys(known).join(', ') || 'none';
  const unknown = Object.keys(given)
    .filter((each) => !Object.hasOwn(known, each))
    .map((each) => ({ member: `${member}.${each}`, message: `is unknown: a remote of the type ${type} has ${names}` }));
  const invalid = Object.entries(known).flatMap(([each, { isRequired, pattern, expected }]) => {
    const value = Object.hasOwn(given, each) ? given[each] : undefined;
    if (value === undefined) return isRequired ? [{ member: `${member}.${each}`, message: 'is required' }] : [];
    return pattern.test(value) ? [] : [{ member: `${member}.${each}`, message: `must be ${expected}` }];
  });
  return [...unknown, ...invalid];
}

function isRemotePath(path: string): boolean {
  if (path === '') return true;
  return (
    path.length <= 1000 &&
    !/[\p{Cc}\\]/u.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
