import { once } from 'node:events';
import { createServer } from 'node:http';
import { sessionContainer } from '../../../src/session-contract/containers.ts';

/** Serves the activity of a Jupyter server without Jupyter, on the address of a pod that no kubelet runs. */
export interface JupyterActivity {
  /** Whether a kernel executes code. */
  isBusy: boolean;
  stop(): Promise<void>;
}

export async function serveJupyterActivity(address: string): Promise<JupyterActivity> {
  const activity = { isBusy: false };
  const longAgo = '2026-01-01T00:00:00Z';
  const server = createServer((req, res) => {
    const api = /\/api\/(\w+)/.exec(req.url ?? '')?.[1];
    const kernel = { id: 'kernel-1', execution_state: activity.isBusy ? 'busy' : 'idle', last_activity: longAgo };
    const status = { started: longAgo, last_activity: longAgo, connections: 0, kernels: 1 };
    const body = { status, kernels: [kernel], terminals: [] }[api ?? ''];
    res.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}));
  });
  server.listen(sessionContainer.jupyter.port, address);
  await once(server, 'listening');
  return Object.assign(activity, {
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  });
}
