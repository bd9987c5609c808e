import { asObject, parseJson } from '../lib/json.ts';

/** Why and when the operator ends a session. The operator writes the notice into an annotation, and the service shows it. */
export interface CullingNotice {
  /** `none`: the operator does not end the session, although its threshold is exceeded, because its files would be lost. */
  readonly action: 'hibernate' | 'delete' | 'none';
  /** The threshold: the session is not used, its Jupyter server is too old, or it has had this state for too long. */
  readonly reason: 'idle' | 'age' | 'starting' | 'failed' | 'hibernated';
  /** When the threshold is exceeded, RFC 3339. */
  readonly at: string;
}

export const writeCullingNotice = ({ action, reason, at }: CullingNotice): string =>
  JSON.stringify({ action, reason, at });

const actions: readonly CullingNotice['action'][] = ['hibernate', 'delete', 'none'];
const reasons: readonly CullingNotice['reason'][] = ['idle', 'age', 'starting', 'failed', 'hibernated'];

/** Returns the notice in the annotation's text; undefined if the text is not a notice. */
export function readCullingNotice(text: string | undefined): CullingNotice | undefined {
  if (!text) return undefined;
  const value = asObject(parseJson(text)) ?? {};
  const action = actions.find((each) => each === value['action']);
  const reason = reasons.find((each) => each === value['reason']);
  const { at } = value;
  if (!action || !reason || typeof at !== 'string' || Number.isNaN(Date.parse(at))) return undefined;
  return { action, reason, at };
}
