import type { Config } from '../../config/types.ts';
import type { NotebookResponse } from '../../generated/openapi.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { presentSession } from './present.ts';

export interface Presenter {
  /** The answer is shared: nobody may change it. */
  (server: JupyterServer): NotebookResponse;
  /** The same as JSON. */
  json(server: JupyterServer): string;
}

interface Known {
  readonly second: number;
  readonly response: NotebookResponse;
  json?: string;
}

/**
 * `presentSession` with a memory: the cache gives the same object until it changes, and warnings count whole seconds,
 * so within one second the answer is the same one.
 */
export function createPresenter(config: Config, clock: () => number = Date.now): Presenter {
  const known = new WeakMap<JupyterServer, Known>();

  function present(server: JupyterServer): Known {
    const now = clock();
    const second = Math.floor(now / 1000);
    const before = known.get(server);
    if (before?.second === second) return before;
    const made: Known = { second, response: presentSession(server, config, now) };
    known.set(server, made);
    return made;
  }

  return Object.assign((server: JupyterServer) => present(server).response, {
    json(server: JupyterServer): string {
      const current = present(server);
      current.json ??= JSON.stringify(current.response);
      return current.json;
    },
  });
}
