import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, parseBytes, parseCpu, parseGpu, readQuantity } from './quantities.ts';

describe('an amount in a request', () => {
  it.each([
    [0.5, 0.5],
    ['2', 2],
    ['.5', 0.5],
    ['2.', 2],
    ['500m', 0.5],
    ['-1', undefined],
    ['', undefined],
    ['.', undefined],
    ['m', undefined],
    ['1e3', undefined],
    ['1 ', undefined],
    ['1M', undefined],
  ])('CPU %j is read as %j cores', (input, cores) => {
    expect(parseCpu(input)).toBe(cores);
  });

  it.each([
    [1, 1],
    ['1.5G', 1.5e9],
    ['1gb', 1e9],
    ['512Mi', 512 * 2 ** 20],
    ['2EI', 2 * 2 ** 60],
    ['10b', 10],
    ['1KiB', undefined],
    ['1e9', undefined],
    ['-5G', undefined],
    ['', undefined],
    ['G', undefined],
    ['constructor', undefined],
  ])('size %j is read as %j bytes', (input, bytes) => {
    expect(parseBytes(input)).toBe(bytes);
  });

  it.each([
    [0, 0],
    ['2', 2],
    ['2.0', 2],
    ['1.5', undefined],
    ['1m', undefined],
    [-1, undefined],
  ])('number of GPUs %j is read as %j', (input, gpus) => {
    expect(parseGpu(input)).toBe(gpus);
  });
});

describe('a quantity of an object', () => {
  it.each([
    ['100m', 0.1],
    ['1Gi', 2 ** 30],
    ['1GiB', 2 ** 30],
    ['1e3', 1000],
    ['5G', 5e9],
    [7, 7],
    [-1, undefined],
    ['-1G', undefined],
    ['1e999', undefined],
    ['lots', undefined],
    [null, undefined],
    [{}, undefined],
    [Number.NaN, undefined],
  ])('%j is read as %j', (value, expected) => {
    expect(readQuantity(value)).toBe(expected);
  });

  it('never throws and never returns a negative or infinite number', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const read = readQuantity(value);
        expect(read === undefined || (Number.isFinite(read) && read >= 0)).toBe(true);
      }),
    );
  });
});

describe('sizes as text', () => {
  it.each([
    [1e9, '1G'],
    [0, '0G'],
    [1073741824, '1.07G'],
    [5_000_000, '0.01G'],
    [1.5e9, '1.50G'],
  ])('%d bytes are written as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
