import type { JupyterServer } from '../../src/jupyter-server/types.ts';

/** The annotation in which Kopf, Amalthea's framework, stores what it has handled last. */
const handled = 'kopf.zalando.org/last-handled-configuration';

/**
 * Returns the annotations with which Amalthea takes a session over; undefined if it needs none. Without the annotation, Amalthea
 * counts a session as new: it tries to create the children, fails because they exist, and never acts on the session again. The two
 * fields are those whose changes Amalthea applies to a session. Pure.
 */
function handledByAmalthea({ metadata, spec, status }: JupyterServer): Record<string, string> | undefined {
  // Amalthea has handled the session before, or must create its children.
  if (metadata.annotations?.[handled] !== undefined || status?.create_fn === undefined) return undefined;
  const { hibernated = false, resources = {} } = spec?.jupyterServer ?? {};
  return { [handled]: JSON.stringify({ spec: { jupyterServer: { hibernated, resources } } }) };
}

/**
 * Returns the merge patch that prepares a session for Amalthea; undefined if it needs none. Conditions tell the service that this
 * project's operator acts on the session, and so would carry out a stop request. Pure.
 */
export function handOverPatch(session: JupyterServer): object | undefined {
  const annotations = handledByAmalthea(session);
  const hasConditions = session.status?.conditions !== undefined;
  if (!annotations && !hasConditions) return undefined;
  return {
    ...(annotations ? { metadata: { annotations } } : {}),
    ...(hasConditions ? { status: { conditions: null } } : {}),
  };
}
