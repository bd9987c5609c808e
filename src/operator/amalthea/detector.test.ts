import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { KubernetesError } from '../../platform/kubernetes/types.ts';
import { type AmaltheaDetector, createAmaltheaDetector } from './detector.ts';
import { otherFinalizers } from './finalizer.ts';

const finalizer = 'kopf.zalando.org/KopfFinalizerMarker';

/** Sessions in a cluster, where Amalthea adds its finalizer while it runs. */
let sessions: Map<string, JupyterServer>;
let isAmaltheaRunning: boolean;
let detector: AmaltheaDetector;
let acting: number;
let actingIn: string[];
let detected: string[];
let failures: number;
/** Sessions whose update the API server rejects. */
let invalid: string[];
/** The sessions from which the detector has tried to remove the finalizer. */
let probed: string[];
let stop: AbortController;
let ended: Promise<void> | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  sessions = new Map();
  isAmaltheaRunning = false;
  acting = 0;
  actingIn = [];
  detected = [];
  failures = 0;
  invalid = [];
  probed = [];
  stop = new AbortController();
  detector = createAmaltheaDetector({
    sessions: () => [...sessions.values()],
    async removeFinalizer(session) {
      const { name = '' } = session.metadata;
      probed.push(name);
      if (invalid.includes(name)) throw new KubernetesError(422, 'Invalid', `${name} is invalid`);
      if (failures > 0) {
        failures -= 1;
        throw new Error('409 Conflict');
      }
      write(name, otherFinalizers(session.metadata));
      if (isAmaltheaRunning) setTimeout(() => amaltheaSees(name), 15_000);
    },
    read: async (session) => sessions.get(session.metadata.name ?? ''),
    onDetected: (session) => detected.push(session.metadata.name ?? ''),
    onActing(namespace) {
      acting += 1;
      actingIn.push(namespace);
    },
    now: () => new Date(),
    // Vitest does not replace the timers of node:timers/promises.
    pause: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
    log: pino({ level: 'silent' }),
  });
});
afterEach(async () => {
  stop.abort();
  await ended;
  vi.useRealTimers();
});

/** What the detector says, about a namespace. */
const seen = (namespace = 'sessions') => ({
  mayAct: detector.mayAct(namespace),
  isRunning: detector.isRunning,
  reason: detector.reason,
});

const start = async () => {
  ended = detector.run(stop.signal);
  await pass(0);
};
const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

function write(name: string, finalizers: string[], inNamespace = 'sessions', deletionTimestamp?: string): void {
  const previous = sessions.get(name);
  const creationTimestamp = previous?.metadata.creationTimestamp ?? new Date().toISOString();
  const namespace = previous?.metadata.namespace ?? inNamespace;
  const deletion = deletionTimestamp === undefined ? {} : { deletionTimestamp };
  const value = { metadata: { name, namespace, uid: `uid-${name}`, creationTimestamp, finalizers, ...deletion } };
  sessions.set(name, value);
  detector.observe(
    previous ? { type: 'modified', namespace, name, value, previous } : { type: 'added', namespace, name, value },
  );
}

function remove(name: string): void {
  const previous = sessions.get(name);
  sessions.delete(name);
  if (previous) detector.observe({ type: 'deleted', namespace: 'sessions', name, previous });
}

const amaltheaSees = (name: string) => write(name, [finalizer]);

describe('an operator beside Amalthea', () => {
  it('acts at once if no session has the finalizer of Amalthea', async () => {
    write('ours', ['example.org/other']);
    await start();
    expect(seen()).toMatchObject({ mayAct: true, isRunning: false, reason: undefined });
    expect(acting).toBe(1);
  });

  it('acts after 30 seconds if Amalthea no longer runs and has left its finalizers', async () => {
    amaltheaSees('a');
    write('b', [finalizer], 'other');
    await start();
    await pass(29);
    expect(seen()).toMatchObject({ mayAct: false, isRunning: false });
    expect(detector.reason).toContain('checking whether Amalthea runs');
    await pass(2);
    expect(seen()).toMatchObject({ mayAct: true, reason: undefined });
    expect(actingIn.sort()).toEqual(['other', 'sessions']);
    expect(detected).toEqual([]);
  });

  it('does not act while Amalthea adds its finalizer again, and says so', async () => {
    amaltheaSees('a');
    isAmaltheaRunning = true;
    await start();
    await pass(20);
    expect(seen()).toMatchObject({ mayAct: false, isRunning: true });
    expect(detector.reason).toMatch(/^Amalthea runs in the namespace sessions: .* session a\. .*operator\.enabled/s);
    await pass(600);
    expect(seen().mayAct).toBe(false);
    expect(acting).toBe(0);
    expect(new Set(detected)).toEqual(new Set(['a']));
  });

  it('stops to act when Amalthea adds its finalizer to a session, and acts again when Amalthea has ended', async () => {
    write('ours', []);
    await start();
    expect(seen().mayAct).toBe(true);
    isAmaltheaRunning = true;
    amaltheaSees('ours');
    expect(seen().mayAct).toBe(false);
    await pass(20);
    expect(detector.isRunning).toBe(true);
    isAmaltheaRunning = false;
    await pass(200);
    expect(seen()).toMatchObject({ mayAct: true, isRunning: false, reason: undefined });
    expect(acting).toBe(2);
  });

  it('checks a new session that has the finalizer from its creation, as one that is restored from a backup', async () => {
    await start();
    write('restored', [finalizer]);
    expect(seen().mayAct).toBe(false);
    await pass(31);
    expect(seen().mayAct).toBe(true);
    expect(detected).toEqual([]);
  });

  it('says why it cannot check whether Amalthea runs', async () => {
    amaltheaSees('a');
    failures = 100;
    await start();
    await pass(10);
    expect(detector.reason).toMatch(/ it is checking whether Amalthea runs\. The last attempt failed: 409 Conflict$/);
    failures = 0;
    await pass(40);
    expect(seen()).toMatchObject({ mayAct: true, reason: undefined });
  });

  it('does not take the deletion of the checked session, or a write that fails, for the end of Amalthea', async () => {
    amaltheaSees('first');
    await start();
    await pass(10);
    isAmaltheaRunning = true;
    amaltheaSees('second');
    remove('first');
    failures = 3;
    await pass(60);
    expect(seen()).toMatchObject({ mayAct: false, isRunning: true });
    expect(new Set(detected)).toEqual(new Set(['second']));
  });

  it('detects Amalthea in a namespace that has its first session during the check of another one', async () => {
    amaltheaSees('left');
    await start();
    await pass(10);
    isAmaltheaRunning = true;
    write('first', [], 'other');
    await pass(1);
    write('first', [finalizer]);
    await pass(60);
    expect(seen('other')).toMatchObject({ mayAct: false, isRunning: true });
    expect(actingIn).not.toContain('other');
  });

  it('does not take a session that Amalthea deletes for the end of Amalthea', async () => {
    amaltheaSees('a');
    isAmaltheaRunning = true;
    await start();
    await pass(20);
    isAmaltheaRunning = false;
    write('a', [finalizer], 'sessions', new Date().toISOString());
    write('a', ['foregroundDeletion'], 'sessions', new Date().toISOString());
    await pass(300);
    expect(seen()).toMatchObject({ mayAct: false, isRunning: true });
    expect(acting).toBe(0);
    // Amalthea would have removed this finalizer.
    write('a', ['foregroundDeletion', finalizer], 'sessions', new Date().toISOString());
    await pass(120);
    expect(seen().mayAct).toBe(true);
  });

  it('that has detected Amalthea does not act until a session stays without the finalizer', async () => {
    amaltheaSees('a');
    isAmaltheaRunning = true;
    await start();
    await pass(20);
    remove('a');
    await pass(300);
    expect(seen()).toMatchObject({ mayAct: false, isRunning: true });
    isAmaltheaRunning = false;
    write('new', []);
    await pass(100);
    expect(seen().mayAct).toBe(true);
  });

  it('checks the next session if the API server never accepts the update of one, and tries that one again after its change', async () => {
    amaltheaSees('older');
    await pass(1);
    amaltheaSees('invalid');
    invalid = ['invalid'];
    await start();
    await pass(29);
    expect(seen().mayAct).toBe(false);
    await pass(2);
    expect(seen()).toMatchObject({ mayAct: true, reason: undefined });
    expect(probed).toEqual(['invalid', 'older']);
  });

  it('says which update the API server rejects if there is no other session, and tries again after a minute or a change', async () => {
    amaltheaSees('invalid');
    invalid = ['invalid'];
    await start();
    await pass(59);
    expect(probed).toEqual(['invalid']);
    expect(seen()).toMatchObject({
      mayAct: false,
      reason: expect.stringMatching(/attempt failed: invalid is invalid$/),
    });
    await pass(2);
    expect(probed).toEqual(['invalid', 'invalid']);
    invalid = [];
    write('invalid', [finalizer, 'example.org/other']);
    write('other', []);
    await pass(100);
    expect(seen()).toMatchObject({ mayAct: true, reason: undefined });
  });

  it('sends few updates if the API server rejects those of all sessions', async () => {
    invalid = Array.from({ length: 30 }, (_, index) => `session-${index}`);
    for (const name of invalid) amaltheaSees(name);
    await start();
    await pass(59);
    expect(probed).toHaveLength(10);
  });
});

describe('an operator for several namespaces', () => {
  it('acts in those without Amalthea, also while Amalthea runs in another one', async () => {
    write('b', [], 'other');
    await pass(31);
    amaltheaSees('a');
    isAmaltheaRunning = true;
    await start();
    expect([seen('sessions').mayAct, seen('other').mayAct]).toEqual([false, true]);
    await pass(60);
    expect([seen('sessions').mayAct, seen('other').mayAct]).toEqual([false, true]);
    expect(seen()).toMatchObject({
      isRunning: true,
      reason: expect.stringMatching(/^Amalthea runs in the namespace sessions: /),
    });
    expect(actingIn).toEqual(['other']);
  });

  it('waits for a session that shows that Amalthea does not run in a namespace, if it runs in another one', async () => {
    amaltheaSees('a');
    isAmaltheaRunning = true;
    await start();
    await pass(20);
    write('new', [], 'other');
    await pass(0);
    expect(seen('other').mayAct).toBe(false);
    expect(detector.reason).toContain('changes no session in the namespace other yet');
    // Amalthea would have added its finalizer.
    await pass(100);
    expect(seen('other').mayAct).toBe(true);
    expect(seen('sessions').mayAct).toBe(false);
  });

  it('acts in all namespaces when Amalthea has ended', async () => {
    amaltheaSees('a');
    isAmaltheaRunning = true;
    write('b', [], 'other');
    await start();
    await pass(20);
    expect([seen('sessions').mayAct, seen('other').mayAct]).toEqual([false, false]);
    isAmaltheaRunning = false;
    remove('b');
    write('c', [], 'other');
    await pass(200);
    expect([seen('sessions').mayAct, seen('other').mayAct]).toEqual([true, true]);
    expect(detector.reason).toBeUndefined();
  });
});
