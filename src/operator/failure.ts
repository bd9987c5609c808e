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
    return {
      message: quotaMessage(error.message) ?? error.message,
      permanent: [400, 403, 404, 413, 422].includes(error.status),
    };
  }
  return undefined;
}

/**
 * Returns a sentence for the API server's message about an exceeded quota, which has the form `exceeded quota: NAME, requested:
 * RESOURCE=AMOUNT,..., used: ..., limited: ...`; undefined for any other message.
 */
export function quotaMessage(message: string): string | undefined {
  const [, name, ...lists] =
    /exceeded quota: (\S+), requested: (\S+), used: (\S+), limited: (\S+)$/.exec(message) ?? [];
  if (name === undefined) return undefined;
  const [requested, used, limited] = lists.map((list) => new Map(list.split(',').map((each) => split(each))));
  const resources = [...(limited?.keys() ?? [])].map((resource) => {
    const of = (amounts: Map<string, string> | undefined) => amounts?.get(resource) ?? '?';
    return `${resource}: ${of(used)} of ${of(limited)} used, ${of(requested)} more needed`;
  });
  return `The resource quota "${name}" of the platform has been exceeded (${resources.join('; ')}).`;
}

function split(assignment: string): [string, string] {
  const [name = '', value = ''] = assignment.split('=');
  return [name, value];
}
