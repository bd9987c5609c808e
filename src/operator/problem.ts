import { KubernetesError } from '../platform/kubernetes/types.ts';

/** The JupyterServer itself is wrong: nothing but a change of it helps. The message may be shown to its owner. */
export class InvalidJupyterServer extends Error {
  override readonly name = 'InvalidJupyterServer';
}

/** Something else has the name of a child; it may be a former session's, on its way out. */
export class ChildNameTaken extends Error {
  override readonly name = 'ChildNameTaken';
}

/** Why a session cannot be brought to what its JupyterServer wants. */
export interface Problem {
  /** For `status.events.operator.message`. */
  message: string;
  /** Waiting will not mend it: the session has failed (until somebody mends it). */
  permanent: boolean;
}

/** undefined for an error that is no word about this session (a lost race, an API server that is away). */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof InvalidJupyterServer) return { message: error.message, permanent: true };
  if (error instanceof ChildNameTaken) return { message: error.message, permanent: false };
  if (error instanceof KubernetesError && ![401, 409, 429].includes(error.status)) {
    return { message: error.message, permanent: [400, 403, 404, 413, 422].includes(error.status) };
  }
  return undefined;
}
