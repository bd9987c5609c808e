/**
 * Returns a user name as the original service writes it in labels and names, in lower case: ASCII letters and digits stay,
 * every other character becomes a dash and a hexadecimal number for each byte of its UTF-8. `john.doe` -> `john-2edoe`.
 * Different names can give the same text (`John.Doe`), so it must not decide ownership.
 */
export function safeUsername(username: string): string {
  let safe = '';
  for (const character of username) {
    safe += /[A-Za-z0-9]/.test(character)
      ? character
      : [...Buffer.from(character, 'utf8')].map((byte) => `-${byte.toString(16)}`).join('');
  }
  return safe.toLowerCase();
}
