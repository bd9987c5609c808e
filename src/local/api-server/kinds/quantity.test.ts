import { describe, expect, it } from 'vitest';
import { parseQuantity } from './quantity.ts';

describe('a quantity', () => {
  // Seen on kube-apiserver 1.36.
  it.each([
    ['1', '1'],
    ['1000m', '1'],
    ['0.5', '500m'],
    [0.5, '500m'],
    [1_000_000_000, '1G'],
    ['1024Mi', '1Gi'],
    ['1500Mi', '1500Mi'],
    ['0.5Gi', '512Mi'],
    ['1.25Gi', '1280Mi'],
    ['0.5Ki', '512'],
    ['1000Ki', '1000Ki'],
    [1_073_741_824, '1073741824'],
    ['0.1m', '1m'],
    ['1234567u', '1235m'],
    ['1.5G', '1500M'],
    ['1000k', '1M'],
    ['0.0', '0'],
    ['1e3', '1e3'],
    ['12e-1', '1200e-3'],
    ['1.5e3', '1500'],
    [1e21, '1e21'],
    ['-1', '-1'],
  ])('%j is written back as %j', (value, text) => {
    expect(parseQuantity(value)?.text).toBe(text);
  });

  it.each([[''], ['x'], ['1 G'], ['1GB'], ['1g'], ['1.2.3'], ['--1'], [true], [null], [{}], [[]]])(
    'is not %j',
    (value) => {
      expect(parseQuantity(value)).toBeUndefined();
    },
  );

  it('is compared by its value', () => {
    const nano = (text: string) => parseQuantity(text)?.nano ?? 0n;
    expect(nano('1Gi')).toBe(1024n ** 3n * 10n ** 9n);
    expect(nano('500m')).toBeLessThan(nano('1'));
    expect(nano('-1')).toBeLessThan(nano('0'));
  });
});
