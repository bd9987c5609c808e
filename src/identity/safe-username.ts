/**
 * A user name as the original service writes it into labels and names: ASCII letters and digits stay, every other
 * character becomes a dash and a hexadecimal number (without leading zeros) for each byte of its UTF-8; then lower
 * case. `john.doe` -> `john-2edoe`. Different names can become the same text (`John.Doe`): it never decides ownership.
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
