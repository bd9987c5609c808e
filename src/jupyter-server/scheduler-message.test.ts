import { describe, expect, it } from 'vitest';
import { fitsNowhere, parseSchedulerMessage } from './scheduler-message.ts';

/** Messages of schedulers of Kubernetes 1.20 to 1.36, with their reasons and the nodes on which preemption would not help. */
const messages: [version: string, message: string, nodes: number, reasons: [number, string][], unsuitable?: number][] =
  [
    ['1.20', '0/3 nodes are available: 3 Insufficient cpu.', 3, [[3, 'Insufficient cpu']]],
    [
      '1.20',
      "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate, 2 Insufficient memory.",
      3,
      [
        [2, 'Insufficient memory'],
        [1, "node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't tolerate"],
      ],
    ],
    [
      '1.22',
      '0/12 nodes are available: 10 Insufficient cpu, 9 Insufficient memory, 2 Too many pods.',
      12,
      [
        [10, 'Insufficient cpu'],
        [9, 'Insufficient memory'],
        [2, 'Too many pods'],
      ],
    ],
    [
      '1.24',
      '0/9 nodes are available: 2 node(s) had untolerated taint {a: b}, 7 Insufficient nvidia.com/gpu. preemption: 0/9 nodes are available: 2 Preemption is not helpful for scheduling, 7 No preemption victims found for incoming pod.',
      9,
      [
        [7, 'Insufficient nvidia.com/gpu'],
        [2, 'node(s) had untolerated taint {a: b}'],
      ],
      2,
    ],
    [
      '1.25',
      '0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod..',
      1,
      [[1, 'Insufficient memory']],
      0,
    ],
    [
      '1.28',
      '0/4 nodes are available: 4 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
      4,
      [[4, 'Insufficient cpu']],
    ],
    [
      '1.29',
      '0/6 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.',
      6,
      [[6, 'pod has unbound immediate PersistentVolumeClaims']],
      6,
    ],
    [
      '1.36',
      '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
      1,
      [[1, 'pod has unbound immediate PersistentVolumeClaims']],
    ],
    [
      '1.36',
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
      1,
      [[1, 'Insufficient cpu']],
      1,
    ],
    [
      '1.36',
      "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
      1,
      [[1, "node(s) didn't match Pod's node affinity/selector"]],
      1,
    ],
    [
      '1.36',
      '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
      3,
      [
        [2, 'Insufficient cpu'],
        [1, 'node(s) had untolerated taint(s)'],
      ],
      1,
    ],
    [
      '1.36',
      '0/2 nodes are available: 2 Insufficient cpu. still not schedulable, preemption: not eligible due to preemptionPolicy=Never.',
      2,
      [[2, 'Insufficient cpu']],
    ],
  ];

describe('the message of the scheduler', () => {
  it.each(messages)('of Kubernetes %s is parsed: %s', (_version, message, nodes, reasons, unsuitableNodes) => {
    expect(parseSchedulerMessage(message)).toEqual({
      nodes,
      reasons: reasons.map(([count, text]) => ({ nodes: count, text })),
      unsuitableNodes,
    });
  });

  it.each([
    '',
    'no nodes available to schedule pods',
    'skip schedule deleting pod: a/b',
    'x 0/1 nodes are available: 1 y.',
  ])('is not parsed in another form: %j', (message) => expect(parseSchedulerMessage(message)).toBeUndefined());

  it('says that waiting does not help if preemption would help on no node', () => {
    const report = (nodes: number, unsuitableNodes: number | undefined) => ({ nodes, reasons: [], unsuitableNodes });
    expect(fitsNowhere(report(3, 3))).toBe(true);
    expect(fitsNowhere(report(3, 2))).toBe(false);
    expect(fitsNowhere(report(3, undefined))).toBe(false);
    expect(fitsNowhere(report(0, 0))).toBe(false);
  });
});
