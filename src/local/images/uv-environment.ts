/** Variables of uv with which the machine's owner configures package indexes and downloads. */
const indexes = ['UV_DEFAULT_INDEX', 'UV_INDEX', 'UV_INDEX_URL', 'UV_EXTRA_INDEX_URL', 'UV_FIND_LINKS', 'UV_NO_INDEX'];
const kept = new Set([
  ...indexes,
  ...['UV_INDEX_STRATEGY', 'UV_KEYRING_PROVIDER', 'UV_INSECURE_HOST', 'UV_NATIVE_TLS', 'UV_SYSTEM_CERTS', 'UV_OFFLINE'],
  ...['UV_HTTP_TIMEOUT', 'UV_HTTP_CONNECT_TIMEOUT', 'UV_HTTP_RETRIES', 'UV_CONCURRENT_DOWNLOADS', 'UV_EXCLUDE_NEWER'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'SSL_CLIENT_CERT', 'NETRC', 'HOME', 'PATH', 'LANG', 'TMPDIR'],
]);
const keptPattern = /^(UV_INDEX_\w+_(USERNAME|PASSWORD)|(https?|no|all)_proxy)$/i;

/**
 * Returns all environment variables for the uv process that installs a project's requirements: the machine owner's index,
 * certificates and proxies, and no configuration file. If uv's variables name no index, those of pip are used. Settings that
 * would permit builds of packages, replacements of packages or other sources are not passed on.
 */
export function uvEnvironment(env: NodeJS.ProcessEnv, cacheDir: string): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => !!entry[1] && (kept.has(entry[0]) || keptPattern.test(entry[0])),
    ),
  );
  return {
    LANG: 'C.UTF-8',
    ...fromPip(
      env,
      indexes.some((name) => env[name]),
    ),
    ...own,
    UV_CACHE_DIR: cacheDir,
    UV_NO_CONFIG: '1',
    UV_NO_PROGRESS: '1',
    UV_PYTHON_DOWNLOADS: 'never',
    NO_COLOR: '1',
  };
}

/** Returns pip's settings as variables of uv, without `PIP_FIND_LINKS`: uv fails if such a folder is missing. */
function fromPip(env: NodeJS.ProcessEnv, hasIndexes: boolean): Record<string, string> {
  const pairs: (readonly [string, string | undefined])[] = [
    ['SSL_CERT_FILE', env['PIP_CERT']],
    ['UV_INSECURE_HOST', env['PIP_TRUSTED_HOST']],
    ['UV_HTTP_TIMEOUT', env['PIP_DEFAULT_TIMEOUT']],
    ['ALL_PROXY', env['PIP_PROXY']],
    ...(hasIndexes
      ? []
      : ([
          ['UV_DEFAULT_INDEX', env['PIP_INDEX_URL']],
          ['UV_INDEX', env['PIP_EXTRA_INDEX_URL']],
        ] as const)),
  ];
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => !!pair[1]));
}
