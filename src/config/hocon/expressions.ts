import { HoconError } from './problem.ts';

export type Path = readonly string[];

/** A scalar, with how it is written: `${port}` inside of a text repeats 1.50 and not 1.5. */
export interface Scalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly text: string;
  readonly line: number;
}

/** What stands for a value in the file. */
export type Expression =
  | Scalar
  | { readonly kind: 'space'; readonly text: string }
  | { readonly kind: 'substitution'; readonly path: Path; readonly isOptional: boolean; readonly line: number }
  | { readonly kind: 'list'; readonly items: readonly Expression[]; readonly line: number }
  /** A group in a list. The paths of its statements begin with the path of the list. */
  | { readonly kind: 'group'; readonly base: Path; readonly statements: readonly Statement[]; readonly line: number }
  | { readonly kind: 'join'; readonly parts: readonly Expression[]; readonly line: number };

/** A value is given to a key. */
export interface Statement {
  readonly path: Path;
  /** undefined: the key is a group from here on; what is in it are statements of their own. */
  readonly expression: Expression | undefined;
  /** A substitution for the key itself, or for what it is in or what is in it, sees the statements before this number. */
  readonly before: number;
  /** It stands beside a group, so that it must be one. */
  readonly mustBeGroup: boolean;
  readonly line: number;
}

/** Python's and JavaScript's numbers, and 1e+06, which is what Helm prints. */
const numberForm = /^[+-]?(\d+(\.\d+)?|\.\d+)(e[+-]?\d+)?$/i;

/** A word without quotes. Numbers are taken only if none of their digits is lost. */
export function scalarOf(word: string, line: number): Scalar {
  const scalar = (value: Scalar['value']): Scalar => ({ kind: 'scalar', value, text: word, line });
  const lower = word.toLowerCase();
  if (lower === 'true') return scalar(true);
  if (lower === 'false') return scalar(false);
  if (lower === 'null') return scalar(null);
  if (numberForm.test(word)) {
    const number = Number(word);
    if (significance(word) !== significance(String(number))) {
      throw new HoconError(line, 'a number loses digits: put it in quotes if it is a text');
    }
    return scalar(number === 0 ? 0 : number);
  }
  if (/^[+-]?\d+\.(e[+-]?\d+)?$/i.test(word)) {
    throw new HoconError(line, 'a number ends in a dot: put it in quotes if it is a text');
  }
  return scalar(word);
}

/** Digits and power of ten; equal for 1.50, 15e-1 and +1.5, and different for 007 and 7. */
function significance(number: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(number) ?? [];
  const leading = /^0+(?=\d)/.exec(whole)?.[0] ?? '';
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return leading;
  return `${leading}${sign === '-' ? '-' : ''}${kept}e${Number(power) - fraction.length + digits.length - kept.length}`;
}
