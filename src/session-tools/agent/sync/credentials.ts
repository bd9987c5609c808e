import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { isObject, parseJson } from '../../../lib/json.ts';
import type { Credentials } from '../../../session-contract/sync-remote.ts';

/**
 * The credentials of remotes, as they are stored on the session's volume. The user's programs can read and change the file: it is
 * encrypted with a key that is derived from the session's, which only the container of the agent has, and is bound to the folder: the
 * settings of a folder, with its server, are sealed, too.
 */
export interface CredentialVault {
  /** Returns the encrypted text. */
  seal(id: string, credentials: Credentials): string;
  /** Returns the credentials; undefined if the text was encrypted for another session or folder, or was changed. */
  open(id: string, sealed: string): Credentials | undefined;
}

const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/** @param sessionKey the key of the session */
export function createVault(sessionKey: Buffer): CredentialVault {
  const key = Buffer.from(hkdfSync('sha256', sessionKey, '', 'notebook-sessions sync credentials', 32));
  return {
    seal(id, credentials) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(id));
      const text = Buffer.concat([cipher.update(JSON.stringify(credentials), 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
    },
    open(id, sealed) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < ivBytes + tagBytes) return undefined;
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(id))
        .setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
      try {
        const text = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
        return asCredentials(parseJson(text.toString('utf8')));
      } catch (error) {
        // The authentication tag differs.
        if (error instanceof Error) return undefined;
        throw error;
      }
    },
  };
}

function asCredentials(value: unknown): Credentials | undefined {
  if (!isObject(value)) return undefined;
  const texts = Object.entries(value).flatMap(([name, each]) =>
    typeof each === 'string' ? [[name, each] as const] : [],
  );
  return Object.fromEntries(texts);
}
