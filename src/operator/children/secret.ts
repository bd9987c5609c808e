import type { JupyterServerSpec } from '../../jupyter-server/types.ts';
import { type Manifest, shared } from './manifest.ts';

/** Returns `length` random bytes. */
export type RandomBytes = (length: number) => Buffer;

/** Returns the Secret with tokens and cookie keys. It is created once: an existing Secret is never changed. */
export function renderSecret(name: string, spec: JupyterServerSpec, random: RandomBytes): Manifest {
  const { token, oidc } = spec.auth ?? {};
  const { secretKey } = shared;
  const values: Record<string, string> = {
    [secretKey.jupyterToken]: token ?? random(32).toString('hex'),
    [secretKey.jupyterCookieSecret]: random(32).toString('hex'),
  };
  if (oidc?.enabled) {
    values[secretKey.oauth2ProxyCookieSecret] = random(32).toString('base64url');
    if (oidc.clientSecret && 'value' in oidc.clientSecret) {
      values[secretKey.oidcClientSecret] = oidc.clientSecret.value;
    }
  }
  const data = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: { name }, data: Object.fromEntries(data) };
}
