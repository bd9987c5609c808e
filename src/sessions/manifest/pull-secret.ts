import type { ManifestConfig } from '../../config/types.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';
import { ownedSecret, type Secret, type SecretOwner } from './secrets.ts';

/** The same name as in renku-notebooks. */
export const pullSecretName = (session: string): string => `${session}-image-secret`;

/** Returns whether the cluster needs the caller's token to pull the image. */
export const isPullSecretNeeded = ({ image, user }: ManifestInput): boolean => image.private && user.hasGitToken;

export const imagePullSecret = (input: ManifestInput): JsonPatch[] =>
  isPullSecretNeeded(input) ? [jsonPatch(add('/imagePullSecrets/-', { name: pullSecretName(input.name) }))] : [];

/** Returns the Secret with credentials for the platform's registry only, because the token is a GitLab token. */
export function pullSecret(owner: SecretOwner, token: string, config: ManifestConfig): Secret {
  const username = 'oauth2';
  const auth = Buffer.from(`${username}:${token}`).toString('base64');
  return ownedSecret(owner, config, pullSecretName(owner.name), 'kubernetes.io/dockerconfigjson', {
    '.dockerconfigjson': JSON.stringify({ auths: { [config.git.registry]: { username, password: token, auth } } }),
  });
}
