import type { AgentScope } from '../../session-contract/agent-token.ts';
import type { Reply } from './http.ts';

/** A route of the API (agent.openapi.yaml). */
export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly scope: AgentScope;
  readonly handle: (request: ApiRequest) => Promise<Reply> | Reply;
}

export interface ApiRequest {
  /** Without the query. */
  readonly path: string;
  readonly id: string;
  /** The second id in the path. */
  readonly part: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly stop: AbortSignal;
}
