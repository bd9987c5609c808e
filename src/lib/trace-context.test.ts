import { expect, it } from 'vitest';
import { readTraceparent } from './trace-context.ts';

const [trace, span] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'];

it.each([`00-${trace}-${span}-01`, `cc-${trace}-${span}-00-what-the-future-will-be`])('reads %s', (header) => {
  expect(readTraceparent(header)).toBe(header);
});

it.each([
  undefined,
  '',
  `00-${trace}-${span}`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${'0'.repeat(32)}-${span}-01`,
  `00-${trace}-${'0'.repeat(16)}-01`,
  `ff-${trace}-${span}-01`,
  `00-${trace}-${span}-01-more`,
  `01-${trace}-${span}-01-${'x'.repeat(200)}`,
  `00-${trace}-${span}-01\r\nX-Injected: 1`,
])('ignores %j', (header) => {
  expect(readTraceparent(header)).toBeUndefined();
});
