/** How the values of the chart of renku-notebooks 1.18.1 (and 1.19) become values of this chart. */

import { isObject } from '../../src/lib/json.ts';

/** Values by their keys in this chart, joined with dots. */
export type NewValues = Readonly<Record<string, unknown>>;

export interface Row {
  /** A key of the original, joined with dots; with `.*` at the end, all keys of the group that have no other row. */
  readonly from: string;
  /** The key of this chart. */
  readonly to?: string;
  /** Returns the new values where they are not the same value under `to`. */
  readonly convert?: (value: unknown) => NewValues;
  /** Why there is no counterpart, or what the reader has to decide. */
  readonly note?: string;
}

const same = (from: string, to = from): Row => ({ from, to });
const config = (from: string, key: string): Row => ({ from, to: `config.${key}` });
const none = (from: string, note: string): Row => ({ from, note });

/** Returns `repository` and `tag` of an image, with the registry that a name without a host means. */
function imageParts(reference: unknown): NewValues {
  const [, name = '', tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(String(reference)) ?? [];
  const [first = '', ...rest] = name.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const repository = hasRegistry ? name : `docker.io/${rest.length > 0 ? name : `library/${name}`}`;
  return { 'images.session.repository': repository, 'images.session.tag': tag };
}

/** The original has a list of names. */
function pullSecrets(value: unknown): NewValues {
  const names: unknown[] = Array.isArray(value) ? value : [];
  return { 'images.pullSecrets': names.map((name) => (isObject(name) ? name : { name })) };
}

/** The original uses `serviceAccountName`, which is `default` by default, only if it creates no account. */
function rbac(value: unknown): NewValues {
  const { create, serviceAccountName: name } = isObject(value) ? value : {};
  if (create !== false) return { 'rbac.create': true };
  const account = typeof name === 'string' ? { 'service.serviceAccount.name': name } : {};
  return { 'rbac.create': false, 'service.serviceAccount.create': false, ...account };
}

function ingressHosts(value: unknown): NewValues {
  const [first]: unknown[] = Array.isArray(value) ? value : [];
  const host = isObject(first) ? first['host'] : first;
  return typeof host === 'string' ? { 'ingress.host': host } : {};
}

function ingressTls(value: unknown): NewValues {
  const [first]: unknown[] = Array.isArray(value) ? value : [];
  const name = isObject(first) ? first['secretName'] : undefined;
  return typeof name === 'string' ? { 'ingress.tlsSecret': name } : {};
}

function serverOption(name: 'defaultUrl' | 'lfs_auto_fetch') {
  return (value: unknown): NewValues => {
    if (!isObject(value)) return {};
    const keys =
      name === 'defaultUrl'
        ? ['order', 'displayName', 'type', 'default', 'options']
        : ['order', 'displayName', 'type', 'default'];
    const kept = keys.filter((key) => value[key] !== undefined).map((key) => [key, value[key]]);
    return { [`config.server_options.ui_choices.${name}`]: Object.fromEntries(kept) };
  };
}

const own = 'the chart has an image of this project; its tag is the version of the chart';
const sizes = 'neither service uses it: sizes are resource classes (config.crc_url or config.resource_pools)';
const culling = (from: string, key: string): Row[] =>
  ['registered', 'anonymous'].map((kind) => config(`culling.${from}.${kind}`, `sessions.culling.${kind}.${key}`));

export const rows: readonly Row[] = [
  same('nameOverride'),
  {
    from: 'fullnameOverride',
    to: 'fullnameOverride',
    note: 'both charts use it for the names of their objects, so choose another one while the original is installed',
  },
  same('global'),
  config('gitlab.url', 'git.url'),
  config('gitlab.registry.host', 'git.registry'),
  same('replicaCount', 'service.replicaCount'),
  same('autoscaling.enabled', 'service.autoscaling.enabled'),
  same('autoscaling.minReplicas', 'service.autoscaling.minReplicas'),
  same('autoscaling.maxReplicas', 'service.autoscaling.maxReplicas'),
  same('autoscaling.targetCPUUtilizationPercentage', 'service.autoscaling.targetCPUUtilizationPercentage'),
  none('image.repository', own),
  none('image.tag', own),
  same('image.pullPolicy', 'images.pullPolicy'),
  { from: 'image.pullSecrets', to: 'images.pullSecrets', convert: pullSecrets },
  {
    from: 'debug',
    to: 'service.logLevel',
    convert: (value) => (value === true ? { 'service.logLevel': 'debug' } : {}),
  },
  config('oidc.clientId', 'sessions.oidc.client_id'),
  config('oidc.clientSecret', 'sessions.oidc.client_secret'),
  config('oidc.allowUnverifiedEmail', 'sessions.oidc.allow_unverified_email'),
  none('oidc.tokenUrl', 'neither service uses it'),
  none('oidc.authUrl', 'neither service uses it'),
  config('sessionIngress.host', 'sessions.ingress.host'),
  config('sessionIngress.tlsSecret', 'sessions.ingress.tls_secret'),
  config('sessionIngress.annotations', 'sessions.ingress.annotations'),
  same('sessionsNamespace', 'sessions.namespace'),
  config('sessionAutosave.minimumLFSFileSizeBytes', 'sessions.autosave_minimum_lfs_file_size_bytes'),
  config('sessionAutosave.terminationGracePeriodSeconds', 'sessions.termination_grace_period_seconds'),
  config('sessionAutosave.terminationWarningDurationSeconds', 'sessions.termination_warning_duration_seconds'),
  config('sessionNodeSelector', 'sessions.node_selector'),
  config('sessionTolerations', 'sessions.tolerations'),
  config('sessionAffinity', 'sessions.affinity'),
  {
    from: 'serverOptions.defaultUrl',
    to: 'config.server_options.ui_choices.defaultUrl',
    convert: serverOption('defaultUrl'),
  },
  {
    from: 'serverOptions.lfs_auto_fetch',
    to: 'config.server_options.ui_choices.lfs_auto_fetch',
    convert: serverOption('lfs_auto_fetch'),
  },
  none('serverOptions.*', sizes),
  config('serverDefaults.defaultUrl', 'server_options.defaults.defaultUrl'),
  config('serverDefaults.lfs_auto_fetch', 'server_options.defaults.lfs_auto_fetch'),
  none('serverDefaults.*', sizes),
  config('enforceCPULimits', 'sessions.enforce_cpu_limits'),
  { from: 'defaultSessionImage', to: 'images.session', convert: imageParts },
  none('gitRpcServer.image', own),
  none('gitHttpsProxy.image', own),
  none('gitClone.image', own),
  same('service.type'),
  same('service.port'),
  {
    from: 'rbac',
    to: 'rbac.create',
    convert: rbac,
    note: 'if it is false: serviceAccountName is service.serviceAccount.name, and you must give the operator permissions, too',
  },
  {
    from: 'ingress.enabled',
    to: 'ingress.enabled',
    note: 'if it is true: two Ingresses with the same host conflict, so set it to false until you remove the original',
  },
  same('ingress.annotations'),
  { from: 'ingress.hosts', to: 'ingress.host', convert: ingressHosts, note: 'the first host; the chart has one' },
  { from: 'ingress.tls', to: 'ingress.tlsSecret', convert: ingressTls, note: 'the first Secret; the chart has one' },
  none('ingress.path', 'the path is config.service_prefix'),
  same('resources', 'service.resources'),
  same('nodeSelector', 'service.nodeSelector'),
  same('tolerations', 'service.tolerations'),
  same('affinity', 'service.affinity'),
  ...culling('idleThresholdSeconds', 'idle_seconds'),
  ...culling('idleSecondsThreshold', 'idle_seconds'),
  ...culling('maxAgeSecondsThreshold', 'max_age_seconds'),
  ...culling('hibernatedSecondsThreshold', 'hibernated_seconds'),
  same('podSecurityContext'),
  same('securityContext'),
  config('userSessionPersistentVolumes.enabled', 'sessions.storage.pvs_enabled'),
  config('userSessionPersistentVolumes.storageClass', 'sessions.storage.pvs_storage_class'),
  config('userSessionPersistentVolumes.useEmptyDirSizeLimit', 'sessions.storage.use_empty_dir_size_limit'),
  config('cloudstorage.s3.enabled', 'cloud_storage.s3.enabled'),
  config('cloudstorage.s3.readOnly', 'cloud_storage.s3.read_only'),
  none('cloudstorage.s3.installDatashim', 'the chart does not install Datashim; install its chart beside this one'),
  config('cloudstorage.azureBlob.enabled', 'cloud_storage.azure_blob.enabled'),
  config('cloudstorage.azureBlob.readOnly', 'cloud_storage.azure_blob.read_only'),
  {
    from: 'ssh.enabled',
    to: 'config.sessions.ssh.enabled',
    convert: (value) => ({ 'config.sessions.ssh.enabled': value, 'config.ssh_enabled': value }),
    note: 'sessions listen for ssh; the chart has no jump host, so keep that of the original or install one',
  },
  config('ssh.hostKeySecret', 'sessions.ssh.host_key_secret'),
  none('ssh.*', 'the chart has no jump host'),
  config('dummyStores', 'dummy_stores'),
  config('sessionSentry.gitClone.enabled', 'sessions.git_clone.sentry.enabled'),
  config('sessionSentry.gitClone.dsn', 'sessions.git_clone.sentry.dsn'),
  config('sessionSentry.gitClone.environment', 'sessions.git_clone.sentry.env'),
  config('sessionSentry.gitClone.sampleRate', 'sessions.git_clone.sentry.sample_rate'),
  config('sessionSentry.sidecar.enabled', 'sessions.git_rpc_server.sentry.enabled'),
  config('sessionSentry.sidecar.dsn', 'sessions.git_rpc_server.sentry.dsn'),
  config('sessionSentry.sidecar.environment', 'sessions.git_rpc_server.sentry.env'),
  config('sessionSentry.sidecar.sampleRate', 'sessions.git_rpc_server.sentry.sample_rate'),
  none('sentry.*', 'the service does not report to Sentry; its log contains every error'),
  same('amalthea.deployCrd', 'crd.install'),
  same('amalthea.culling.jupyterServerIdleCheckIntervalSeconds', 'operator.culling.checkIntervalSeconds'),
  same('amalthea.culling.cpuUsageMillicoresIdleThreshold', 'operator.culling.idleCpuMillicores'),
  config('amalthea.crdApiGroup', 'amalthea.group'),
  config('amalthea.crdApiVersion', 'amalthea.version'),
  config('amalthea.crdNames.plural', 'amalthea.plural'),
  none('amalthea.crdNames.*', 'the kind is always JupyterServer'),
  none('amalthea.culling.*', 'the operator of this chart does not need it'),
  none('amalthea.*', 'this chart has an operator of its own (operator); with Amalthea, set operator.enabled to false'),
  none('k8sWatcher.*', 'the service watches sessions itself'),
  none('tests.*', 'helm test of this chart needs no settings'),
];
