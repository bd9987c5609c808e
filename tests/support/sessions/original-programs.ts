/**
 * What the programs of renku-notebooks 1.18.1 that run beside a session declare as their settings. git-clone and the
 * sidecar read variables of one prefix into classes, `__` before the field of an inner one, and do not start where a
 * required one, or an inner class whole, is missing, nor where one is unknown. The git proxy ends where a required one
 * is missing or empty.
 */
export interface OriginalProgram {
  readonly container: string;
  /** Under it every variable must be declared; undefined: the program takes its variables by their whole names. */
  readonly prefix: string | undefined;
  readonly settings: Readonly<Record<string, OriginalSetting>>;
  /** Variables without the prefix that the program, or what it is built with, reads. */
  readonly others: readonly string[];
}

export interface OriginalSetting {
  readonly type: 'text' | 'flag' | 'boolean' | 'integer' | 'number';
  readonly isRequired?: true;
}

const required = (type: OriginalSetting['type']): OriginalSetting => ({ type, isRequired: true });
const optional = (type: OriginalSetting['type']): OriginalSetting => ({ type });

/** An inner class that must be there, of fields that need not. */
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
    others: ['SENTRY_RELEASE', 'CI_COMMIT_SHA', 'RENKU_USERNAME', 'AUTOSAVE_MINIMUM_LFS_FILE_SIZE_BYTES'],
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

/** What a program of the original would refuse of its environment, in words; empty where it starts. */
export function refusedBy(
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
    return forms[type].test(value) ? [] : [`${prefix}${name} is no ${type}`];
  });
  const inner = new Set(Object.keys(settings).flatMap((name) => (name.includes('__') ? name.split('__')[0] : [])));
  const missing = [...inner]
    .filter((group) => ![...given.keys()].some((name) => name.startsWith(`${prefix}${group}__`)))
    .map((group) => `nothing of ${prefix}${group} is there`);
  return [...unknown, ...wrong, ...missing];
}
