import type { Config } from '../../config/types.ts';
import { add, type JsonPatch, jsonPatch, type ManifestInput } from './input.ts';
import { ownedSecret, type Secret, type SecretOwner } from './secrets.ts';

/** The name that 1.18.1 gave it. */
export const pullSecretName = (session: string): string => `${session}-image-secret`;

/** The image was seen only with the caller's own token, so the cluster needs that, too. */
export const isPullSecretNeeded = ({ image, user }: ManifestInput): boolean => image.private && user.hasGitToken;

export const imagePullSecret = (input: ManifestInput): JsonPatch[] =>
  isPullSecretNeeded(input) ? [jsonPatch(add('/imagePullSecrets/-', { name: pullSecretName(input.name) }))] : [];

/** Sign-in at the platform's own registry, and at no other: the token is GitLab's. */
export function pullSecret(owner: SecretOwner, token: string, config: Config): Secret {
  const username = 'oauth2';
  const auth = Buffer.from(`${username}:${token}`).toString('base64');
  return ownedSecret(owner, config, pullSecretName(owner.name), 'kubernetes.io/dockerconfigjson', {
    '.dockerconfigjson': JSON.stringify({ auths: { [config.git.registry]: { username, password: token, auth } } }),
  });
}
