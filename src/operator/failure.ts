import { KubernetesError } from '../platform/kubernetes/types.ts';

/** The JupyterServer is invalid. Retries fail until the JupyterServer changes. The message may be shown to its owner. */
export class InvalidJupyterServer extends Error {
  override readonly name = 'InvalidJupyterServer';
}

/** Another object has the name of a child. That object may belong to a former session that is still being deleted. */
export class ChildNameTaken extends Error {
  override readonly name = 'ChildNameTaken';
}

/** The reason why a session could not be reconciled. */
export interface Failure {
  /** The value of `status.events.operator.message`. */
  message: string;
  /** Whether retries fail, too: the session is `failed` until its JupyterServer or the cluster's configuration changes. */
  permanent: boolean;
}

/**
 * Returns the failure to report in the session's status; undefined for an error that is not caused by the session, such as a
 * conflict or an unavailable API server.
 */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof InvalidJupyterServer) return { message: error.message, permanent: true };
  if (error instanceof ChildNameTaken) return { message: error.message, permanent: false };
  if (error instanceof KubernetesError && ![401, 409, 429].includes(error.status)) {
    return { message: error.message, permanent: [400, 403, 404, 413, 422].includes(error.status) };
  }
  return undefined;
}
