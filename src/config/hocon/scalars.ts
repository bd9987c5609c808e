import { HoconError, type Scalar } from './syntax.ts';

const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** The numbers of Python and JavaScript, and 1e+06, which Helm prints. */
const numberForm = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** Returns the value of an unquoted word. Throws HoconError for a number that JavaScript would change, such as 007. */
export function scalarOf(text: string, line: number): Scalar {
  const word = words.get(text.toLowerCase());
  if (word !== undefined) return { kind: 'scalar', value: word, text, line };
  if (!numberForm.test(text)) return { kind: 'scalar', value: text, text, line };
  const value = exactNumber(text);
  if (value === undefined) {
    throw new HoconError(
      line,
      'a number has too many digits, a leading zero or a dot at its end; quote it if it is a string',
    );
  }
  return { kind: 'scalar', value, text, line };
}

/** A double can represent 15 decimal digits, and every safe integer. */
function exactNumber(text: string): number | undefined {
  const number = Number(text);
  const [mantissa = ''] = text.split(/e/i);
  const digits = mantissa.replace(/\D/g, '').replace(/^0+/, '');
  if (/^[+-]?0\d/.test(mantissa) || mantissa.endsWith('.') || !Number.isFinite(number)) return undefined;
  if (number === 0) return digits === '' ? 0 : undefined;
  return digits.length <= 15 || (mantissa === text && Number.isSafeInteger(number)) ? number : undefined;
}
