import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Kind } from '../kinds/kind.ts';
import type { Store } from '../store.ts';
import type { Representation } from './representation.ts';

/** A request for objects of one kind. */
export interface ResourceRequest {
  store: Store;
  req: IncomingMessage;
  res: ServerResponse;
  query: URLSearchParams;
  kind: Kind;
  /** Empty: all namespaces, or a kind without namespaces. */
  namespace: string;
  /** The form of objects in the response. */
  as: Representation;
}
