import { join, normalize } from 'node:path';
import type { Credentials, RemoteInput, RemoteType } from '../../../../session-contract/sync-remote.ts';
import { checkRemote, remoteType } from '../../../../session-contract/sync-remote.ts';
import { RemoteError } from '../remote.ts';

/** What the administrator permits. */
export interface RemotePolicy {
  readonly types: readonly string[];
  /** Folders that remotes of the type `local` may be, or be below. */
  readonly localFolders: readonly string[];
}

/** A remote as `config/create` of rclone takes it. */
export interface RcloneRemote {
  readonly type: RemoteType;
  readonly parameters: Readonly<Record<string, string>>;
  /** The folder, after the colon of a remote of rclone. */
  readonly root: string;
  /** The host to which rclone connects first; undefined: the default of the type, or none. */
  readonly host: string | undefined;
}

/**
 * Returns the remote for rclone. Pure. User input becomes values of fixed parameters and the path after the colon, and never a part
 * of the name or the type. Throws RemoteError `rejected`.
 * @param proxyUrl the forward proxy, with its key
 */
export function rcloneRemote(
  remote: RemoteInput,
  credentials: Credentials,
  policy: RemotePolicy,
  proxyUrl: string,
): RcloneRemote {
  const [invalid] = checkRemote(remote, credentials);
  const wrong = invalid ? `${invalid.member}: ${invalid.message}` : whyNotPermitted(remote, policy);
  const type = remoteType(remote.type);
  if (!type || wrong !== undefined) throw new RemoteError('rejected', `${wrong}.`);
  const { options, path } = remote;
  const root = path;
  const host = options['host'] ?? hostOf(options['url'] ?? options['endpoint']);
  switch (type) {
    case 'webdav': {
      const { password, bearer_token } = credentials;
      return {
        ...{ type, root, host },
        parameters: withoutUndefined({
          url: options['url'],
          vendor: options['vendor'] ?? 'other',
          ...(bearer_token === undefined ? { user: options['user'], pass: password } : { bearer_token }),
        }),
      };
    }
    case 's3': {
      const { endpoint, region, provider, bucket } = options;
      return {
        // Without the slash, rclone asks whether the folder is a file, and takes a rejection of the credentials for a yes.
        ...{ type, root: path === '' ? `${bucket}` : `${bucket}/${path}/`, host },
        parameters: withoutUndefined({
          ...{
            endpoint,
            region: region ?? 'us-east-1',
            provider: provider ?? (endpoint === undefined ? 'AWS' : 'Other'),
          },
          ...{ access_key_id: credentials['access_key_id'], secret_access_key: credentials['secret_access_key'] },
          session_token: credentials['session_token'],
          // Neither the machine's credentials nor a bucket that the user has not created.
          ...{ env_auth: 'false', no_check_bucket: 'true' },
        }),
      };
    }
    case 'sftp': {
      const { port, user, host_key } = options;
      return {
        ...{ type, root, host },
        parameters: withoutUndefined({
          ...{ host, port: port ?? '22', user, host_keys: host_key, http_proxy: proxyUrl },
          ...{ pass: credentials['password'], key_file_pass: credentials['passphrase'] },
          key_pem: credentials['private_key']?.replaceAll('\n', '\\n'),
          // No commands on the server, no agent of SSH.
          ...{ shell_type: 'none', disable_hashcheck: 'true', key_use_agent: 'false' },
        }),
      };
    }
    case 'local':
      return {
        ...{ type, host },
        root: join(plainFolder(options['folder'] ?? ''), path),
        parameters: {},
      };
  }
}

/** Returns why the administrator does not permit a remote, with the path of the member; undefined if it is permitted. Pure. */
export function whyNotPermitted(
  { type, options }: RemoteInput,
  { types, localFolders }: RemotePolicy,
): string | undefined {
  const listed = (names: readonly string[]) => names.join(', ') || 'none';
  if (!types.includes(type))
    return `remote.type: the platform does not permit remotes of the type ${type.slice(0, 40)}. It permits: ${listed(types)}`;
  if (type !== 'local') return undefined;
  const folder = plainFolder(options['folder'] ?? '');
  if (localFolders.some((each) => folder === each || folder.startsWith(each === '/' ? each : `${each}/`)))
    return undefined;
  return `remote.options.folder: the platform does not permit the folder ${folder}. It permits: ${listed(localFolders)}`;
}

const plainFolder = (folder: string): string => normalize(folder).replace(/(?<=.)\/+$/, '');

/** Returns the host as the proxy gets it; undefined without a URL. */
const hostOf = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : URL.parse(url)?.hostname.replace(/^\[|\]$/g, '');

function withoutUndefined(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return Object.fromEntries(entries);
}
