import { describe, expect, it } from 'vitest';
import { isNegligible, usageByPod } from './resource-usage.ts';

describe('resource usage', () => {
  it('is the usage of the Jupyter container, in whole millicores and bytes', () => {
    const metrics = [
      {
        metadata: { name: 'a-0' },
        containers: [
          { name: 'oauth2-proxy', usage: { cpu: '9', memory: '9Gi' } },
          { name: 'jupyter-server', usage: { cpu: '12345678n', memory: '131072Ki' } },
        ],
      },
      { metadata: { name: 'b-0' }, containers: [{ name: 'jupyter-server', usage: { cpu: 'nonsense', memory: '1M' } }] },
      { metadata: { name: 'c-0' }, containers: [{ name: 'other' }] },
      { metadata: { name: 'd-0' } },
    ];
    expect([...usageByPod(metrics)]).toEqual([
      ['a-0', { cpuMillicores: 12, memoryBytes: 134217728 }],
      ['b-0', { memoryBytes: 1000000 }],
    ]);
  });

  it('is written unless the change is negligible', () => {
    const before = { cpuMillicores: 100, memoryBytes: 100_000_000 };
    expect(isNegligible(before, { cpuMillicores: 102, memoryBytes: 100_500_000 })).toBe(true);
    expect(isNegligible(before, { cpuMillicores: 110, memoryBytes: 100_000_000 })).toBe(false);
    expect(isNegligible(before, { cpuMillicores: 100, memoryBytes: 120_000_000 })).toBe(false);
    expect(isNegligible(undefined, before)).toBe(false);
    expect(isNegligible(before, { cpuMillicores: 100 })).toBe(false);
  });
});
