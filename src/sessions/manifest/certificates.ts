import type { ManifestConfig } from '../../config/types.ts';
import { sessionUser, unprivileged, withLogInStatus } from '../../session-contract/container-defaults.ts';
import { sessionContainer } from '../../session-contract/containers.ts';
import { add, type JsonPatch, jsonPatch } from './input.ts';

const bundleVolume = 'etc-ssl-certs';
const customVolume = 'custom-ca-certs';
const bundlePath = '/etc/ssl/certs/';

export const certificatesFile = `${bundlePath}ca-certificates.crt`;
export const certificatesMount = { name: bundleVolume, mountPath: bundlePath, readOnly: true };

/** Resource requests of the small init containers, which have no limits. */
export const smallRequests = { requests: { cpu: '50m', memory: '50Mi' } };

/** Adds the init container that creates the bundle of certificate authorities: the public ones and those of the platform. */
export function certificates(config: ManifestConfig): JsonPatch[] {
  const { image, path, secrets } = config.sessions.ca_certs;
  return [
    jsonPatch(
      add('/initContainers/-', {
        name: sessionContainer.certificates.name,
        image,
        volumeMounts: [
          { name: bundleVolume, mountPath: bundlePath, readOnly: false },
          { name: customVolume, mountPath: path, readOnly: true },
        ],
        resources: smallRequests,
        securityContext: unprivileged(sessionUser),
        ...withLogInStatus,
      }),
    ),
    jsonPatch(add('/volumes/-', { name: bundleVolume, emptyDir: { medium: 'Memory' } })),
    jsonPatch(
      add('/volumes/-', {
        name: customVolume,
        projected: { defaultMode: 0o444, sources: secrets.map(({ secret }) => ({ secret: { name: secret } })) },
      }),
    ),
  ];
}
