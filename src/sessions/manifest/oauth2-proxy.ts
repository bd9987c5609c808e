import type { ManifestConfig } from '../../config/types.ts';
import { certificatesFile, certificatesMount } from './certificates.ts';
import { add, containerIndex, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';

const proxy = `/containers/${containerIndex.proxy}`;

/** Whether an e-mail address is accepted that the identity provider has not verified; only in registered sessions. */
export function unverifiedEmail(input: ManifestInput, config: ManifestConfig): JsonPatch[] {
  if (input.user.kind !== 'registered') return [];
  const name = 'OAUTH2_PROXY_INSECURE_OIDC_ALLOW_UNVERIFIED_EMAIL';
  return [jsonPatch(add(`${proxy}/env/-`, { name, value: String(config.sessions.oidc.allow_unverified_email) }))];
}

/** The platform's certificate authorities for the proxy of the session, whichever it has. */
export function proxyCertificates(input: ManifestInput): JsonPatch[] {
  const mount = jsonPatch(add(`${proxy}/volumeMounts/-`, certificatesMount));
  if (input.user.kind !== 'registered') return [mount];
  return [mount, jsonPatch(add(`${proxy}/env/-`, { name: 'OAUTH2_PROXY_PROVIDER_CA_FILES', value: certificatesFile }))];
}
