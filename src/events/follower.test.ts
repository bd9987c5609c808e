import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testConfig } from '../../tests/support/sessions/config.ts';
import type { NotebookResponse, ServersGetResponse, SessionDeleted } from '../generated/openapi.ts';
import { fromJupyterServer, type Session } from '../jupyter-server/session.ts';
import type { SessionState } from '../jupyter-server/types.ts';
import type { StreamEnding } from '../pipeline/event-stream.ts';
import { createPresenter } from '../sessions/presentation/presenter.ts';
import { SessionFollower } from './follower.ts';
import { createStates } from './known-sessions.ts';
import type { SessionEvent } from './stream-events.ts';

const present = createPresenter(testConfig(), () => Date.parse('2026-11-20T10:00:30Z'));
const parts = { json: present.json, stateOf: createStates(present) };
const never: StreamEnding = { signal: new AbortController().signal, reason: 'shutdown' };

/** The sessions of a cluster: each change has a version. Replicas apply the changes in this order. */
class Cluster {
  readonly history: { name: string; session: Session | undefined }[] = [];
  put(name: string, state: SessionState): void {
    const version = String(this.history.length + 100);
    const former = this.now().get(name);
    const uid = former?.uid ?? `uid-${name}-${version}`;
    const object = { metadata: { name, namespace: 'renku', uid, resourceVersion: version }, status: { state } };
    this.history.push({ name, session: fromJupyterServer(object as never) });
  }
  delete(name: string): void {
    if (this.now().has(name)) this.history.push({ name, session: undefined });
  }
  now(length = this.history.length): Map<string, Session> {
    const sessions = new Map<string, Session>();
    for (const { name, session } of this.history.slice(0, length)) {
      if (session) sessions.set(name, session);
      else sessions.delete(name);
    }
    return sessions;
  }
}

/** A replica of the service, which may be behind the cluster. */
class Replica {
  readonly cluster: Cluster;
  applied = 0;
  readonly followers = new Set<SessionFollower>();
  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }
  catchUp(changes = Number.POSITIVE_INFINITY): void {
    const to = Math.min(this.cluster.history.length, this.applied + changes);
    for (; this.applied < to; ) {
      const name = this.cluster.history[this.applied]?.name ?? '';
      this.applied += 1;
      for (const follower of this.followers) follower.changed(name);
    }
  }
  follow(lastEventId: string): SessionFollower {
    const sessions = {
      all: () => [...this.cluster.now(this.applied).values()],
      get: (name: string) => this.cluster.now(this.applied).get(name),
    };
    const follower = new SessionFollower(sessions, parts);
    this.followers.add(follower);
    if (!follower.resume(lastEventId)) {
      // A read from the API server, as in session-events.ts.
      this.catchUp();
      follower.resume(lastEventId);
    }
    return follower;
  }
}

/** A client of the stream, which keeps the sessions and the last id, as documented. */
class Client {
  readonly sessions = new Map<string, string>();
  lastId = '';
  #gone = new AbortController();
  #events: AsyncGenerator<SessionEvent[]> | undefined;
  #next: Promise<IteratorResult<SessionEvent[]>> | undefined;

  connect(replica: Replica): void {
    this.cut();
    this.#gone = new AbortController();
    this.#events = replica.follow(this.lastId).events(this.#gone.signal, never);
  }
  cut(): void {
    this.#gone.abort();
    this.#events = this.#next = undefined;
  }
  /** Reads one batch if there is one; the connection breaks after `limit` events of the batch. Returns whether it read. */
  async read(limit = Number.POSITIVE_INFINITY): Promise<boolean> {
    this.#next ??= this.#events?.next();
    const result = await Promise.race([
      this.#next,
      new Promise<undefined>((resolve) => void setImmediate(() => resolve(undefined))),
    ]);
    if (!result || result.done) return false;
    this.#next = undefined;
    for (const event of result.value.slice(0, limit)) this.#take(event);
    if (result.value.length > limit) this.cut();
    return true;
  }
  #take({ event, id, data = '' }: SessionEvent): void {
    this.lastId = id ?? this.lastId;
    if (event === 'snapshot') {
      this.sessions.clear();
      for (const [name, session] of Object.entries((JSON.parse(data) as ServersGetResponse).servers ?? {}))
        this.sessions.set(name, JSON.stringify(session));
    } else if (event === 'session') {
      const { name } = JSON.parse(data) as NotebookResponse;
      expect(this.sessions.get(name), 'the client has this state already').not.toBe(data);
      this.sessions.set(name, data);
    } else if (event === 'deleted') {
      expect(this.sessions.delete((JSON.parse(data) as SessionDeleted).name)).toBe(true);
    }
  }
}

const name = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({
    what: fc.constant('put' as const),
    name,
    state: fc.constantFrom('starting' as const, 'running' as const, 'failed' as const),
  }),
  fc.record({ what: fc.constant('delete' as const), name }),
  fc.record({ what: fc.constant('catch up' as const), replica: fc.nat(1), changes: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ what: fc.constant('connect' as const), replica: fc.nat(1) }),
  fc.record({ what: fc.constant('read' as const), limit: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ what: fc.constant('restart' as const), replica: fc.nat(1) }),
);

describe('the events of a stream', () => {
  it('are computed once per change for all streams of a session', async () => {
    const cluster = new Cluster();
    cluster.put('a', 'starting');
    const config = testConfig();
    let presented = 0;
    const counting = {
      ...config,
      get cloud_storage() {
        presented += 1;
        return config.cloud_storage;
      },
    };
    const responses = createPresenter(counting, () => Date.parse('2026-11-20T10:00:30Z'));
    const shared = { json: responses.json, stateOf: createStates(responses) };
    const followers = Array.from({ length: 100 }, () => {
      const get = (name: string) => cluster.now().get(name);
      const follower = new SessionFollower({ all: () => [...cluster.now().values()], get }, shared);
      follower.resume('');
      return { follower, events: follower.events(new AbortController().signal, never) };
    });
    const next = async () => {
      const before = presented;
      const batches = await Promise.all(followers.map(({ events }) => events.next()));
      expect(new Set(batches.map(({ value }) => value?.[0]?.data)).size).toBe(1);
      return presented - before;
    };
    const first = await next();
    expect(first).toBeGreaterThan(0);
    cluster.put('a', 'running');
    for (const { follower } of followers) follower.changed('a');
    expect(await next()).toBe(first);
    expect(first).toBeLessThan(10);
    for (const { events } of followers) void events.return(undefined);
  });

  it('give the client the true state after any changes, disconnections, restarts and replicas that are behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const cluster = new Cluster();
        const replicas = [new Replica(cluster), new Replica(cluster)];
        const client = new Client();
        const at = (index: number): Replica => replicas[index] ?? new Replica(cluster);
        for (const each of steps) {
          if (each.what === 'put') cluster.put(each.name, each.state);
          else if (each.what === 'delete') cluster.delete(each.name);
          else if (each.what === 'catch up') at(each.replica).catchUp(each.changes);
          else if (each.what === 'connect') client.connect(at(each.replica));
          else if (each.what === 'restart') replicas[each.replica] = new Replica(cluster);
          else await client.read(each.limit);
        }
        for (const replica of replicas) replica.catchUp();
        client.connect(at(0));
        while (await client.read());
        client.cut();
        const truth = [...cluster.now().values()].map((session) => [session.name, present.json(session)]);
        expect(Object.fromEntries(client.sessions)).toEqual(Object.fromEntries(truth));
      }),
      { numRuns: 300 },
    );
  });
});
