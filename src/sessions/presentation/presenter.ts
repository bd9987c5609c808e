import type { Config } from '../../config/types.ts';
import type { NotebookResponse } from '../../generated/openapi.ts';
import type { JupyterServer } from '../../jupyter-server/types.ts';
import { presentSession } from './present.ts';

export interface Presenter {
  /** The answer is shared: nobody may change it. */
  (server: JupyterServer): NotebookResponse;
  /** The same as JSON in UTF-8; shared, too. */
  json(server: JupyterServer): Buffer;
  /** The same as a member of an object: its name, a colon, and the JSON. */
  member(server: JupyterServer): Buffer;
}

interface Known {
  readonly second: number;
  readonly response: NotebookResponse;
  member?: Buffer;
}

/**
 * `presentSession` with a memory: the cache gives the same object until it changes, and warnings count whole seconds,
 * so within one second the answer is the same one, down to its bytes: a list of a hundred is put together by copying.
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

  function member(server: JupyterServer): Buffer {
    const current = present(server);
    current.member ??= Buffer.from(`${nameOf(current.response)}${JSON.stringify(current.response)}`);
    return current.member;
  }

  return Object.assign((server: JupyterServer) => present(server).response, {
    member,
    json: (server: JupyterServer) => member(server).subarray(Buffer.byteLength(nameOf(present(server).response))),
  });
}

const nameOf = ({ name }: NotebookResponse): string => `${JSON.stringify(name)}:`;
