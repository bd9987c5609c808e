import { expect, test } from 'vitest';
import { asObject, isObject, parseJson } from './json.ts';

test.each([[null], [undefined], [[]], ['{}'], [1], [() => undefined]])('%j is not a JSON object', (value) => {
  expect(isObject(value)).toBe(false);
  expect(asObject(value)).toBeUndefined();
});

test('returns an object as it is', () => {
  const object = { a: 1 };
  expect(isObject(object)).toBe(true);
  expect(asObject(object)).toBe(object);
});

test('parses JSON, and returns undefined for text that is not JSON', () => {
  expect(parseJson('[1,null]')).toEqual([1, null]);
  expect(parseJson('null')).toBeNull();
  for (const text of ['', '{', '<html>']) expect(parseJson(text), text).toBeUndefined();
});
