import { describe, expect, it } from 'vitest';
import { instantOf, parseInstant, parseSince, wholeSecond } from './instant.ts';
import { decodePositions, encodePositions, isAfter, Numbering } from './position.ts';

describe('timestamps', () => {
  it('sort by time, with any number of digits and any zone', () => {
    const inOrder = [
      '1970-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00.000000001Z',
      '2026-01-01T00:00:00.1Z',
      '2026-01-01T01:00:00.12+01:00',
      '2025-12-31T18:30:00.120000001-05:30',
      '2026-01-01T00:00:00.9Z',
      '2026-01-01T00:00:01Z',
    ];
    const instants = inOrder.map(parseInstant);
    expect([...instants].sort()).toEqual(instants);
    expect(new Set(instants).size).toBe(inOrder.length);
    expect(parseInstant('2026-01-01T00:00:00.12Z')).toBe(parseInstant('2026-01-01T01:00:00.120000000+01:00'));
  });

  it.each(['', 'x', '2026-01-01', '2026-01-01T00:00:00', '2026-02-31T00:00:00+99:00', '1969-01-01T00:00:00Z'])(
    '%j is not a timestamp',
    (text) => expect(parseInstant(text)).toBeUndefined(),
  );

  it('are converted to whole seconds for the API server', () => {
    expect(wholeSecond(parseInstant('2026-01-01T00:00:00.999999999Z') ?? '')).toBe('2026-01-01T00:00:00Z');
  });

  it('may be given as seconds before now, and with a space instead of a plus sign', () => {
    const now = Date.parse('2026-01-01T00:01:00.250Z');
    expect(parseSince('60', now)).toBe(parseInstant('2026-01-01T00:00:00.25Z'));
    expect(parseSince('999999999', 5)).toBe(instantOf(0));
    expect(parseSince('2026-01-01T01:00:00 01:00', now)).toBe(parseInstant('2026-01-01T00:00:00Z'));
    for (const text of ['-5', '1.5', 'yesterday', '1h', '']) expect(parseSince(text, now), text).toBeUndefined();
  });
});

describe('positions', () => {
  it('never decrease, even if times do', () => {
    const numbering = new Numbering();
    const times = ['01', '01', '03', '02', '02', '03', '04'].map((second) => `000000000${second}.000000000`);
    const positions = times.map((time) => numbering.next(time));
    expect(positions.map((position) => [position?.at.slice(9, 11), position?.ordinal])).toEqual([
      ['01', 0],
      ['01', 1],
      ['03', 0],
      ['03', 1],
      ['03', 2],
      ['03', 3],
      ['04', 0],
    ]);
    positions.reduce((before, position) => {
      if (before && position) expect(isAfter(position, before)).toBe(true);
      return position;
    });
    expect(numbering.next(undefined)).toBeUndefined();
  });

  it('are the same after encoding and decoding', () => {
    const positions = new Map([
      ['git-clone', { at: '01795168801.120000000', ordinal: 0 }],
      ['jupyter-server', { at: '01795168803.000000001', ordinal: 12 }],
    ]);
    expect(decodePositions(encodePositions(positions))).toEqual(positions);
  });

  it.each(['', '7', 'a:b', 'A:01795168801.120000000.0', 'a:1.2.3', 'a:01795168801.120000000.-1', ','.repeat(9_000)])(
    'are not found in the event id %j',
    (text) => expect(decodePositions(text).size).toBe(0),
  );
});
