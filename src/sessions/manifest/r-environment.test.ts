import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentFile } from './r-environment.ts';

/**
 * Parses a start-up file by the rules of R (Renviron.c in the source of R). A line has at most 9,999 bytes. `${...}` is
 * replaced before quotes are parsed. Quotes are removed. Outside quotes, a backslash is kept only before another backslash.
 */
function readByR(file: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of file.split('\n').flatMap(buffersOf)) {
    const text = line.trim();
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (text.startsWith('#') || name.trim() === '' || value.trim() === '') continue;
    found.set(name.trim(), unquote(expand(value.trim())));
  }
  return found;
}

function buffersOf(line: string): string[] {
  const bytes = Buffer.from(`${line}\n`);
  const parts = [];
  for (let start = 0; start < bytes.length; start += 9_999) parts.push(bytes.subarray(start, start + 9_999).toString());
  return parts;
}

const expand = (value: string): string => value.replaceAll(/\$\{[^}]*\}/g, 'EXPANDED');

function unquote(value: string): string {
  let result = '';
  let quote = '';
  for (let index = 0; index < value.length; index += 1) {
    const [before, char, after] = [value[index - 1], value[index] ?? '', value[index + 1]];
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (quote !== '' && char === quote && before !== '\\') quote = '';
    else if (quote === '' && char === '\\') result += after === '\\' ? char : '';
    else if (quote === '' || char !== '\\' || after !== quote) result += char;
  }
  return result;
}

describe('the start-up file of R', () => {
  it.each([
    '',
    ' spaces ',
    'it’s "quoted" and \'quoted\'',
    "'",
    "\\'",
    '\\',
    'C:\\dir\\',
    '\\\\\\\\',
    `${'$'}{HOME}`,
    `\\${'$'}{HOME}\\${'$'}{X}`,
    '$HOME',
    '# no comment',
    'a=b',
    '\t\r',
    '日本語',
    "ends with a quote'",
    '$',
    "$'{",
  ])('sets %j without a change', (value) => {
    expect([...readByR(environmentFile({ NAME: value }))]).toEqual([['NAME', value]]);
  });

  it('sets every value, and no other variable', () => {
    const tricky = fc.string({ unit: fc.constantFrom('\\', "'", '"', '$', '{', '}', ' ', '=', '#', 'a', '\r', '-') });
    const value = fc.oneof(tricky, fc.string({ unit: 'grapheme' })).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), (values) => {
        const environment = Object.fromEntries(values.map((each, index) => [`V${index}`, each]));
        expect(Object.fromEntries(readByR(environmentFile(environment)))).toEqual(environment);
      }),
      { numRuns: 2_000 },
    );
  });

  it('leaves out values that the file format cannot contain, so that no line of a value becomes a variable', () => {
    const environment = { INJECTS: 'x\nPATH=/evil', LONG: `${'x'.repeat(9_990)}PATH=/evil`, FINE: 'y' };
    expect([...readByR(environmentFile(environment))]).toEqual([['FINE', 'y']]);
    expect(readByR(environmentFile({ L: 'x'.repeat(9_994) })).get('L')).toHaveLength(9_994);
    expect(environmentFile({ L: 'x'.repeat(9_995) })).toBe('');
  });
});
