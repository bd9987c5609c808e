/**
 * The settings of the programs of renku-notebooks 1.18.1 in a session's pod. git-clone and the sidecar read variables of one
 * prefix into classes, with `__` before the field of an inner class. They do not start if a required variable or a whole
 * inner class is missing, or if a variable is unknown. The git proxy exits if a required variable is missing or empty.
 */
export interface OriginalProgram {
  readonly container: string;
  /** Variables with this prefix must be declared; undefined: the program has no prefix. */
  readonly prefix: string | undefined;
  readonly settings: Readonly<Record<string, OriginalSetting>>;
  /** Variables without the prefix that the program or one of its libraries reads. */
  readonly others: readonly string[];
}

export interface OriginalSetting {
  readonly type: 'text' | 'flag' | 'boolean' | 'integer' | 'number';
  readonly isRequired?: true;
}

const required = (type: OriginalSetting['type']): OriginalSetting => ({ type, isRequired: true });
const optional = (type: OriginalSetting['type']): OriginalSetting => ({ type });

/** An inner class that is required, with optional fields. */
const sentry = {
  SENTRY__ENABLED: optional('boolean'),
  SENTRY__DSN: optional('text'),
  SENTRY__ENVIRONMENT: optional('text'),
  SENTRY__SAMPLE_RATE: optional('number'),
};

export const originalPrograms: readonly OriginalProgram[] = [
  {
    container: 'git-clone',
    prefix: 'GIT_CLONE_',
    settings: {
      REPOSITORY_URL: required('text'),
      COMMIT_SHA: required('text'),
      BRANCH: required('text'),
      GIT_URL: required('text'),
      USER__USERNAME: required('text'),
      USER__OAUTH_TOKEN: optional('text'),
      USER__FULL_NAME: optional('text'),
      USER__EMAIL: optional('text'),
      ...sentry,
      GIT_AUTOSAVE: optional('flag'),
      LFS_AUTO_FETCH: optional('flag'),
      MOUNT_PATH: optional('text'),
      S3_MOUNT: optional('text'),
    },
    others: ['SENTRY_RELEASE', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE'],
  },
  {
    container: 'git-sidecar',
    prefix: 'GIT_RPC_',
    settings: {
      PORT: optional('integer'),
      HOST: optional('text'),
      URL_PREFIX: optional('text'),
      MOUNT_PATH: optional('text'),
      GIT_PROXY_HEALTH_PORT: optional('integer'),
      ...sentry,
    },
    others: [
      'SENTRY_RELEASE',
      'CI_COMMIT_SHA',
      'RENKU_USERNAME',
      'AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES',
      'GIT_CONFIG_SYSTEM',
    ],
  },
  {
    container: 'git-proxy',
    prefix: undefined,
    settings: {
      GIT_PROXY_PORT: optional('integer'),
      GIT_PROXY_HEALTH_PORT: optional('integer'),
      ANONYMOUS_SESSION: optional('boolean'),
      SESSION_TERMINATION_GRACE_PERIOD_SECONDS: optional('integer'),
      REFRESH_CHECK_PERIOD_SECONDS: optional('integer'),
      RENKU_ACCESS_TOKEN: required('text'),
      RENKU_REFRESH_TOKEN: required('text'),
      RENKU_CLIENT_ID: required('text'),
      RENKU_CLIENT_SECRET: required('text'),
      RENKU_REALM: required('text'),
      RENKU_URL: required('text'),
      GITLAB_OAUTH_TOKEN: required('text'),
      GITLAB_OAUTH_TOKEN_EXPIRES_AT: required('integer'),
      REPOSITORY_URL: required('text'),
    },
    others: [],
  },
];

const forms: Record<OriginalSetting['type'], RegExp> = {
  text: /^[^\0]*$/,
  flag: /^[01]$/,
  boolean: /^(true|false)$/,
  integer: /^-?\d+$/,
  number: /^-?\d+(\.\d+)?$/,
};

/** Returns why a program of renku-notebooks does not start with these variables; empty if it starts. */
export function startErrors(
  { prefix = '', settings, others }: OriginalProgram,
  environment: Readonly<Record<string, string>>,
): string[] {
  const given = new Map(Object.entries(environment).filter(([name]) => !others.includes(name)));
  const unknown = [...given.keys()]
    .filter((name) => !name.startsWith(prefix) || !Object.hasOwn(settings, name.slice(prefix.length)))
    .map((name) => `${name} is unknown`);
  const wrong = Object.entries(settings).flatMap(([name, { type, isRequired }]) => {
    const value = given.get(prefix + name);
    if (value === undefined) return isRequired ? [`${prefix}${name} is missing`] : [];
    if (value === '' && isRequired) return [`${prefix}${name} is empty`];
    return forms[type].test(value) ? [] : [`${prefix}${name} is not a valid ${type}`];
  });
  const inner = new Set(Object.keys(settings).flatMap((name) => (name.includes('__') ? name.split('__')[0] : [])));
  const missing = [...inner]
    .filter((group) => ![...given.keys()].some((name) => name.startsWith(`${prefix}${group}__`)))
    .map((group) => `all variables of ${prefix}${group} are missing`);
  return [...unknown, ...wrong, ...missing];
}
