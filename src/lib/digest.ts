import { hash } from 'node:crypto';

/**
 * Returns the SHA-256 digest of a list of texts, cut to `bits`, in lower-case base32 (RFC 4648, without padding), which is
 * valid in names and label values. Each text is hashed with its length, so that no two lists have the same input.
 */
export function digest(fields: readonly string[], bits = 256): string {
  const parts = fields.flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(field));
    return [length, Buffer.from(field)];
  });
  return base32(hash('sha256', Buffer.concat(parts), 'buffer').subarray(0, bits / 8));
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

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
