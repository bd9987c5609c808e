import type { ManifestConfig } from '../../config/types.ts';
import { certificatesFile, certificatesMount } from './certificates.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const proxy = `/containers/${containerIndex.proxy}`;

/** Sets whether oauth2-proxy accepts unverified e-mail addresses; only in sessions of registered users. */
export function unverifiedEmail(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  if (input.user.kind !== 'registered') return [];
  const name = 'OAUTH2_PROXY_INSECURE_OIDC_ALLOW_UNVERIFIED_EMAIL';
  return [jsonPatch(add(`${proxy}/env/-`, { name, value: String(config.sessions.oidc.allow_unverified_email) }))];
}

/** Mounts the platform's certificate authorities in the proxy of the session. */
export function proxyCertificates(input: ManifestInput): JsonPatch[] {
  const mount = jsonPatch(add(`${proxy}/volumeMounts/-`, certificatesMount));
  if (input.user.kind !== 'registered') return [mount];
  return [mount, jsonPatch(add(`${proxy}/env/-`, { name: 'OAUTH2_PROXY_PROVIDER_CA_FILES', value: certificatesFile }))];
}
