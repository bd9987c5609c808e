import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ReplicaProxy {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Adds a replica, which gets connections while it is ready. */
  add(port: number): void;
  remove(port: number): void;
  readonly ready: readonly number[];
  close(): void;
}

const probeEveryMs = 100;

/**
 * Starts a TCP proxy that gives new connections to the replicas in turn, as a Service of Kubernetes does: only to those whose
 * `/ready` responded with 200 at the last probe. Connections that exist stay at their replica.
 */
export async function startReplicaProxy(): Promise<ReplicaProxy> {
  const replicas = new Map<number, boolean>();
  const sockets = new Set<Socket>();
  let turn = 0;
  const ready = () => [...replicas].filter(([, isReady]) => isReady).map(([port]) => port);

  const server = createServer((client) => {
    const targets = ready();
    const port = targets[turn++ % targets.length];
    if (port === undefined) return void client.destroy();
    const upstream = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const probe = setInterval(() => {
    for (const port of replicas.keys()) {
      const set = (isReady: boolean) => void (replicas.has(port) && replicas.set(port, isReady));
      fetch(`http://127.0.0.1:${port}/ready`, {
        signal: AbortSignal.timeout(2_000),
        headers: { connection: 'close' },
      }).then(
        async (response) => {
          await response.arrayBuffer();
          set(response.ok);
        },
        (error: unknown) => {
          // A slow response of a busy machine is no failure; Kubernetes allows some, too.
          if (!(error instanceof Error && error.name === 'TimeoutError')) set(false);
        },
      );
    }
  }, probeEveryMs);

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: (port) => void replicas.set(port, false),
    remove: (port) => void replicas.delete(port),
    get ready() {
      return ready();
    },
    close() {
      clearInterval(probe);
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
