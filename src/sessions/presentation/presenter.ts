import type { Config } from '../../config/types.ts';
import type { NotebookResponse } from '../../generated/openapi.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { presentSession } from './present.ts';

export type Presenter = (server: JupyterServer) => NotebookResponse;

/**
 * `presentSession` with a memory: the cache gives the same object until it changes, and warnings count whole seconds,
 * so within one second the answer is the same one. It is shared: nobody may change it.
 */
export function createPresenter(config: Config, clock: () => number = Date.now): Presenter {
  const known = new WeakMap<JupyterServer, { second: number; response: NotebookResponse }>();
  return (server) => {
    const now = clock();
    const second = Math.floor(now / 1000);
    const before = known.get(server);
    if (before?.second === second) return before.response;
    const response = presentSession(server, config, now);
    known.set(server, { second, response });
    return response;
  };
}
