import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { template } from '../../support/helm.ts';

const valid = readFileSync(join(import.meta.dirname, 'values', 'anonymous.yaml'), 'utf8');

/** Arguments of `helm template`, and the sentence of the error. */
const cases: [string, string[], string][] = [
  ['an unknown value', ['--set', 'replicas=3'], "additional properties 'replicas' not allowed"],
  [
    'a misspelt value',
    ['--set', 'service.replicaCuont=3'],
    "at '/service': additional properties 'replicaCuont' not allowed",
  ],
  [
    'a misspelt key of the configuration',
    ['--set', 'config.git.ulr=x'],
    "at '/config/git': additional properties 'ulr' not allowed",
  ],
  [
    'a key that the chart sets',
    ['--set', 'config.k8s.renku_namespace=x'],
    "at '/config': additional properties 'k8s' not allowed",
  ],
  [
    'text instead of a number',
    ['--set', 'service.replicaCount=two'],
    "at '/service/replicaCount': got string, want integer",
  ],
  ['no replica', ['--set', 'operator.replicaCount=0'], "at '/operator/replicaCount': minimum: got 0, want 1"],
  [
    'text instead of a boolean',
    ['--set-string', 'ingress.enabled=true'],
    "at '/ingress/enabled': got string, want boolean",
  ],
  ['a port out of range', ['--set', 'metrics.port=70000'], "at '/metrics/port': maximum: got 70,000, want 65,535"],
  [
    'an unknown level',
    ['--set', 'service.logLevel=loud'],
    "at '/service/logLevel': value must be one of 'trace', 'debug'",
  ],
  [
    'an unknown pull policy',
    ['--set', 'images.pullPolicy=Sometimes'],
    "at '/images/pullPolicy': value must be one of 'Always'",
  ],
  [
    'a digest without an algorithm',
    ['--set-string', 'images.service.digest=123'],
    "at '/images/service/digest': '123' does not match pattern",
  ],
  ['a removed value', ['--set', 'service.type=null'], "at '/service': missing property 'type'"],
  [
    'a namespace that is no name',
    ['--set', 'sessions.namespace=A_B'],
    "at '/sessions/namespace': 'A_B' does not match pattern",
  ],
  [
    'a name that no Service can have',
    ['--set', 'fullnameOverride=Foo_Bar'],
    "at '/fullnameOverride': 'Foo_Bar' does not match pattern",
  ],
  [
    'a host with a scheme',
    ['--set', 'httpRoute.hostnames[0]=https://a.example.org'],
    "at '/httpRoute/hostnames/0': 'https://a.example.org' does not match pattern",
  ],
  ['a Secret without a name', ['--set', 'customCAs[0].name=x'], "at '/customCAs/0': missing property 'secret'"],
  [
    'a key that is no secret',
    ['--set', 'existingSecrets[0].config=git.url'],
    "at '/existingSecrets/0/config': value must be one of 'identity.cookie_secret'",
  ],
  [
    'a number out of the range of the service',
    ['--set', 'config.request.deadline_ms=1'],
    "at '/config/request/deadline_ms': minimum: got 1, want 100",
  ],
  [
    'an unknown word',
    ['--set', 'config.identity.gateway=maybe'],
    "at '/config/identity/gateway': value must be one of 'verified', 'trusted', 'off'",
  ],
  ['no address of GitLab', ['--set', 'config.git.url=null'], 'config.git.url is required: the address of the GitLab'],
  [
    'no registry',
    ['--set', 'config.git.registry='],
    'config.git.registry is required: the image registry of that GitLab',
  ],
  [
    'no host of sessions',
    ['--set', 'config.sessions.ingress.host='],
    'config.sessions.ingress.host is required: the host of sessions',
  ],
  [
    'an address without a scheme',
    ['--set', 'config.git.url=gitlab.example.org'],
    'config.git.url must be an http or https address; it is "gitlab.example.org".',
  ],
  [
    'a host with a path',
    ['--set', 'config.request.allowed_hosts[0]=a/b'],
    'config.request.allowed_hosts must be host or host:port; it is "a/b".',
  ],
  [
    'a network without a prefix',
    ['--set', 'config.outbound.allowed_networks[0]=ten'],
    'config.outbound.allowed_networks must be an address range such as 10.0.0.0/8',
  ],
  [
    'no way to identify users',
    ['--set', 'config.anonymous_sessions_enabled=false'],
    'so every request would be rejected: set config.identity.gateway to verified',
  ],
  [
    'an incomplete identity',
    ['--set', 'config.identity.gateway=verified'],
    'config.identity.jwks_url is required, because config.identity.gateway is verified.',
  ],
  [
    'a short cookie secret',
    ['--set', 'config.identity.cookie_secret=short'],
    'config.identity.cookie_secret must be at least 32 bytes',
  ],
  [
    'a short secret of the agents',
    ['--set', 'config.sessions.agent_secrets[0]=short'],
    'config.sessions.agent_secrets must have at least 32 bytes each',
  ],
  [
    'a secret in two places',
    [
      '--set',
      'config.sessions.oidc.client_secret=x,existingSecrets[0].config=sessions.oidc.client_secret,existingSecrets[0].name=a,existingSecrets[0].key=b',
    ],
    'config.sessions.oidc.client_secret is set twice: in config and in existingSecrets.',
  ],
  [
    'an Ingress without a host',
    ['--set', 'ingress.enabled=true'],
    'ingress.host is required, because ingress.enabled is true.',
  ],
  [
    'an Ingress with an address instead of a host',
    ['--set', 'ingress.enabled=true,ingress.host=https://api.example.org'],
    'ingress.host must be a host without a scheme, port or path, such as notebooks.example.org; it is "https://api.example.org".',
  ],
  [
    'a registry with a scheme',
    ['--set', 'images.registry=https://registry.example.org/team'],
    'images.registry must be a host, with a port and a path if it has them, and without a scheme',
  ],
  [
    'a port of metrics that a program uses for something else',
    ['--set', 'metrics.port=8080'],
    'metrics.port must not be 8080: the service listens for requests on port 8000',
  ],
  [
    'autoscaling without a request of processor',
    ['--set', 'service.autoscaling.enabled=true,service.resources.requests.cpu=null'],
    'service.resources.requests.cpu is required, because service.autoscaling.enabled is true',
  ],
  [
    'a route without a Gateway',
    ['--set', 'httpRoute.enabled=true'],
    'httpRoute.parentRefs is required, because httpRoute.enabled is true',
  ],
  [
    'a disruption budget that blocks drains',
    ['--set', 'service.podDisruptionBudget.minAvailable=2'],
    'service.podDisruptionBudget.minAvailable must be less than the number of replicas, 2',
  ],
  [
    'no name of an account that exists',
    ['--set', 'operator.serviceAccount.create=false'],
    'operator.serviceAccount.name is required, because operator.serviceAccount.create is false',
  ],
  [
    'a warning before the API shows it',
    ['--set', 'operator.culling.warningSeconds=86400'],
    'operator.culling.warningSeconds must not be more than config.sessions.termination_warning_duration_seconds, 43200',
  ],
  [
    'a range of replicas that is empty',
    ['--set', 'service.autoscaling.enabled=true,service.autoscaling.minReplicas=9'],
    'service.autoscaling.minReplicas must not be more than service.autoscaling.maxReplicas.',
  ],
];

describe('helm template', () => {
  it.each(cases)('rejects %s with a sentence that names the key', (_, more, sentence) => {
    const { status, stderr } = template(valid, { more });
    expect(status).toBe(1);
    expect(stderr).toContain(sentence);
  });

  it('takes null as the default of a key with which it compares another value', () => {
    const key = 'config.sessions.termination_warning_duration_seconds';
    const { status, stderr } = template(valid, { more: ['--set-json', `${key}=null`] });
    expect([status, stderr]).toEqual([0, '']);
    const short = template(valid, { more: ['--set-json', `${key}=0`] });
    expect(short.stderr).toContain(`operator.culling.warningSeconds must not be more than ${key}, 0`);
  });

  it('reports all errors of the configuration together', () => {
    const { stderr } = template('{}');
    expect(stderr).toContain('The values of the chart notebook-sessions have 4 errors:');
  });

  it('never prints the value of a secret key', () => {
    const secret = 'a-secret-that-is-too-short';
    const { stderr } = template(valid, { more: ['--set', `config.identity.cookie_secret=${secret},config.git.url=x`] });
    expect(stderr).toContain('config.git.url must be');
    expect(stderr).not.toContain(secret);
  });
});
