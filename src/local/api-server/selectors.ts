import { badRequest } from './failures.ts';
import { member } from './json.ts';
import { labelKeyProblem, labelValueProblem } from './kinds/names.ts';

export type LabelMatcher = (labels: unknown) => boolean;
export type FieldMatcher = (field: (path: string) => string) => boolean;

/**
 * Reads a label selector in the API's syntax (`a=b,c!=d,e in (f,g),h notin (i),j,!k,m>1,n<2`) into a function.
 * Throws StatusError 400 where it cannot be read.
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(part, text));
  return (labels) => requirements.every((matches) => matches(labels));
}

/** Reads a field selector (`a=b,c!=d`, `==` is allowed, `\` escapes) for the fields in `supported`. */
export function parseFieldSelector(text: string, supported: readonly string[]): FieldMatcher {
  const terms = splitUnescaped(text)
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^(?<field>[^=!]+?)(?<operator>==|!=|=)(?<value>.*)$/s.exec(term);
      if (match?.groups === undefined) throw badRequest(`invalid field selector "${text}": can't understand "${term}"`);
      const { field = '', operator, value = '' } = match.groups;
      if (!supported.includes(field)) throw badRequest(`field label not supported: ${field}`);
      return { field, equal: operator !== '!=', value: value.replaceAll(/\\([\\,=])/g, '$1') };
    });
  return (read) => terms.every(({ field, equal, value }) => (read(field) === value) === equal);
}

/** The value that a field selector demands of `field`, for finding one object without looking at all of them. */
export function exactField(text: string, field: string): string | undefined {
  for (const term of splitUnescaped(text)) {
    const match = new RegExp(`^${field.replaceAll('.', '\\.')}==?([^=!]*)$`).exec(term);
    if (match?.[1] !== undefined) return match[1];
  }
  return undefined;
}

function parseRequirement(part: string, whole: string): LabelMatcher {
  const unreadable = (why: string) => badRequest(`unable to parse requirement: ${why} in the selector "${whole}"`);
  const text = part.trim();
  const checkedKey = (key: string): string => {
    const trouble = labelKeyProblem(key);
    if (trouble !== undefined) throw unreadable(`"${key}": ${trouble}`);
    return key;
  };
  const checkedValue = (value: string): string => {
    const trouble = labelValueProblem(value);
    if (trouble !== undefined) throw unreadable(`"${value}": ${trouble}`);
    return value;
  };

  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const key = checkedKey(set[1] ?? '');
    const values = new Set((set[3] ?? '').split(',').map((value) => checkedValue(value.trim())));
    const wanted = set[2] === 'in';
    return (labels) => {
      const value = member(labels, key);
      return typeof value === 'string' && values.has(value) ? wanted : !wanted;
    };
  }
  const order = /^([^\s<>=!]+)\s*([<>])\s*(-?\d+)$/.exec(text);
  if (order) {
    const key = checkedKey(order[1] ?? '');
    const bound = BigInt(order[3] ?? '0');
    const greater = order[2] === '>';
    return (labels) => {
      const value = member(labels, key);
      if (typeof value !== 'string' || !/^-?\d+$/.test(value)) return false;
      return greater ? BigInt(value) > bound : BigInt(value) < bound;
    };
  }
  const equality = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(text);
  if (equality) {
    const key = checkedKey(equality[1] ?? '');
    const wanted = checkedValue(equality[3] ?? '');
    const equal = equality[2] !== '!=';
    return (labels) => (member(labels, key) === wanted) === equal;
  }
  const absent = text.startsWith('!');
  const key = checkedKey((absent ? text.slice(1) : text).trim());
  return (labels) => (member(labels, key) !== undefined) !== absent;
}

function splitOutsideParentheses(text: string): string[] {
  if (text.trim() === '') return [];
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function splitUnescaped(text: string): string[] {
  return text.split(/(?<!\\),/);
}
