import { createHash } from 'node:crypto';
import type { Identity } from './types.ts';

/**
 * Who owns what this identity makes, as a label value: 52 characters of base32. The kind of user (and, for anonymous
 * ones, where the id came from) is part of it, so that no choice of an id makes one kind of user another; fields are
 * prefixed with their length, so that no two lists of fields are the same bytes.
 */
export function ownerKey(identity: Identity): string {
  const kind = identity.kind === 'registered' ? 'registered' : `anonymous ${identity.source}`;
  const hash = createHash('sha256');
  for (const field of [kind, identity.id]) {
    const bytes = Buffer.from(field, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return base32(hash.digest());
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648, lower case, without padding. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text;
}
