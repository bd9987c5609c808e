import type { Operation as AgentOperation } from '../generated/agent-api.ts';
import type { Operation } from '../generated/openapi.ts';

/** Returns the operation without the members that only the programs of the platform need. */
export const present = ({
  id,
  kind,
  reason,
  state,
  createdAt,
  finishedAt,
  progress,
  result,
  snapshot = null,
  error,
}: AgentOperation): Operation => ({
  ...{ id, kind, reason, state, createdAt, finishedAt, progress, result, snapshot, error },
});
