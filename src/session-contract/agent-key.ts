import { createHash, hkdfSync } from 'node:crypto';

/**
 * The key of a session's agent. Service and operator derive the key from a secret of the platform and the uid of the JupyterServer,
 * so that neither reads Secrets. The service stores the key in the credentials Secret of the session, for the agent, and the
 * id of the secret in an annotation.
 */

/** Length of the shortest secret of the platform, in characters. */
export const minAgentSecretLength = 32;

/** Returns the key, 32 bytes. */
export function deriveAgentKey(secret: string, sessionUid: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `notebook-sessions agent ${sessionUid}`, 32));
}

/** Returns the id of a secret of the platform, by which its keys are found again after the secrets have been rotated. */
export const agentSecretId = (secret: string): string =>
  createHash('sha256').update(`notebook-sessions agent secret ${secret}`).digest('base64url').slice(0, 10);

/**
 * Returns the key of a session whose annotation names the secret `id`; undefined if no secret has this id.
 * @param secrets the secrets of the platform: the first derives the keys of new sessions
 */
export function findAgentKey(secrets: readonly string[], id: string, sessionUid: string): Buffer | undefined {
  const secret = secrets.find((each) => agentSecretId(each) === id);
  return secret === undefined ? undefined : deriveAgentKey(secret, sessionUid);
}
