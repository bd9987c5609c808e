import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Returns the signature of a snapshot's manifest, which has the digests of all files: a snapshot is code that the kernel runs when it
 * is restored. On a cluster, only the agent has the key, so that neither files from elsewhere nor files that another session wrote
 * are restored. A program of the same user can do everything that a kernel can; the signature is no protection from it.
 */
export function signManifest(sessionKey: Buffer, manifest: string): string {
  const key = createHmac('sha256', sessionKey).update('snapshots of kernels').digest();
  return createHmac('sha256', key).update(manifest).digest('base64url');
}

export function isSignatureOf(sessionKey: Buffer, manifest: string, signature: string): boolean {
  const expected = Buffer.from(signManifest(sessionKey, manifest));
  const actual = Buffer.from(signature);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
