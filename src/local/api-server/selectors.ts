import { badRequest } from './failures.ts';
import { at } from './json.ts';
import { labelKeyError, labelValueError } from './kinds/names.ts';

type LabelMatcher = (labels: unknown) => boolean;
type FieldMatcher = (field: (path: string) => string) => boolean;

/**
 * Returns a function that tests labels for a selector in the syntax of the API (`a=b,c!=d,e in (f,g),h notin (i),j,!k`).
 * Throws StatusError 400 for an invalid selector.
 */
export function parseLabelSelector(text: string): LabelMatcher {
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(part, text));
  return (labels) => requirements.every((matches) => matches(labels));
}

/**
 * Returns a function that tests fields for a selector (`a=b,c!=d`; `==` is allowed, `\` escapes) of fields in `supported`.
 * Throws StatusError 400 for an invalid selector.
 */
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

/** Returns the value that a field selector requires for `field`; undefined if it requires none. */
export function exactField(text: string, field: string): string | undefined {
  for (const term of splitUnescaped(text)) {
    const match = new RegExp(`^${field.replaceAll('.', '\\.')}==?([^=!]*)$`).exec(term);
    if (match?.[1] !== undefined) return match[1];
  }
  return undefined;
}

function parseRequirement(part: string, whole: string): LabelMatcher {
  const invalid = (why: string) => badRequest(`unable to parse requirement: ${why} in the selector "${whole}"`);
  const text = part.trim();
  const checkedKey = (key: string): string => {
    const why = labelKeyError(key);
    if (why !== undefined) throw invalid(`"${key}": ${why}`);
    return key;
  };
  const checkedValue = (value: string): string => {
    const why = labelValueError(value);
    if (why !== undefined) throw invalid(`"${value}": ${why}`);
    return value;
  };

  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set) {
    const key = checkedKey(set[1] ?? '');
    const values = new Set((set[3] ?? '').split(',').map((value) => checkedValue(value.trim())));
    const wanted = set[2] === 'in';
    return (labels) => {
      const value = at(labels, key);
      return typeof value === 'string' && values.has(value) ? wanted : !wanted;
    };
  }
  const equality = /^([^\s=!]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(text);
  if (equality) {
    const key = checkedKey(equality[1] ?? '');
    const wanted = checkedValue(equality[3] ?? '');
    const equal = equality[2] !== '!=';
    return (labels) => (at(labels, key) === wanted) === equal;
  }
  const absent = text.startsWith('!');
  const key = checkedKey((absent ? text.slice(1) : text).trim());
  return (labels) => (at(labels, key) !== undefined) !== absent;
}

function splitOutsideParentheses(text: string): string[] {
  return text.trim() === '' ? [] : text.split(/,(?![^(]*\))/);
}

function splitUnescaped(text: string): string[] {
  return text.split(/(?<!\\),/);
}
