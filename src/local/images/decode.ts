const decoders = [
  { mark: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { mark: [0xff, 0xfe], encoding: 'utf-16le' },
  { mark: [0xfe, 0xff], encoding: 'utf-16be' },
] as const;

/**
 * Returns the text of a file in UTF-8, or in UTF-16 with a byte order mark, as Windows PowerShell writes; undefined if the
 * content is not valid or contains NUL characters.
 */
export function decodeText(content: Buffer): string | undefined {
  const found = decoders.find(({ mark }) => mark.every((byte, index) => content[index] === byte));
  try {
    const text = new TextDecoder(found?.encoding ?? 'utf-8', { fatal: true }).decode(content);
    return text.includes('\0') ? undefined : text;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
