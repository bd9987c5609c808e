import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeClasses {
  /** The base address, for `crc_url`. */
  readonly url: string;
  /** The Authorization header of each call. */
  readonly callers: (string | undefined)[];
  /** Responds to a call instead of the usual response, which has the caller's pools. */
  fault: ((res: ServerResponse) => void) | undefined;
  close(): Promise<void>;
}

const sized = (id: number, name: string, cpu: number, more: object = {}): object => ({
  id,
  name,
  cpu,
  memory: cpu * 4,
  gpu: 0,
  default_storage: 5,
  max_storage: 50,
  default: false,
  ...more,
});

/** Serves a resource class service: every caller may use the classes 1 (the default) and 2, and John also class 3. */
export async function startFakeClasses(): Promise<FakeClasses> {
  const everybodys = {
    id: 1,
    name: 'public',
    default: true,
    quota: { id: 'quota-of-all' },
    classes: [sized(1, 'small', 0.5, { default: true }), sized(2, 'medium', 2)],
  };
  const johns = { id: 2, name: 'special', default: false, quota: null, classes: [sized(3, 'huge', 32)] };
  const server = createServer((req, res) => {
    self.callers.push(req.headers.authorization);
    if (self.fault) return self.fault(res);
    const pools = req.headers.authorization === 'bearer the-access-token' ? [everybodys, johns] : [everybodys];
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(pools));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: FakeClasses = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/data`,
    callers: [],
    fault: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}
