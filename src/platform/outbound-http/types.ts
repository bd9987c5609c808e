import type { Deadline } from '../../lib/deadline.ts';
import type { OutboundTarget } from '../metrics/outbound-calls.ts';

export { AddressRefused } from '../../lib/checked-lookup.ts';

export interface OutboundRequest {
  /** The kind of server, for the metrics. */
  target: OutboundTarget;
  /** GET by default. */
  method?: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Host, Connection, Accept-Encoding and the headers of the body's length are set by the client: they are ignored here. */
  headers?: Readonly<Record<string, string>>;
  body?: string;
  deadline: Deadline;
  /** Maximum size of the response body in bytes, as it is sent and as it is decompressed. */
  maxBytes: number;
  /**
   * Maximum number of redirects to follow, to any host that the client may connect to; one more fails. With 0, the
   * default, a redirect is a response like any other. Authorization and Cookie are never sent to another origin.
   */
  redirects?: number;
  /** Redirects to an address that is not below this one fail; every address is allowed by default. */
  redirectsWithin?: URL;
  /**
   * The URL, or a part of it, comes from a user: `exemptHosts` does not apply to it. It never applies to the target of a
   * redirect to another origin.
   */
  untrusted?: boolean;
}

export interface OutboundResponse {
  status: number;
  /** By lower-case name; repeated headers are joined with a comma. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** The address that sent the response, after redirects. */
  url: URL;
}

/** The HTTP client for every request to a server other than the Kubernetes API. */
export interface OutboundHttp {
  /**
   * Throws AddressRefused, OutboundFailure or DeadlineExceeded, or the reason of the deadline's owner. A status is never an
   * error.
   */
  request(url: string | URL, options: OutboundRequest): Promise<OutboundResponse>;
  /** Closes all connections; requests in flight fail. */
  close(): Promise<void>;
}

export type FailureReason = 'unreachable' | 'too-large' | 'redirect-refused' | 'invalid-url' | 'invalid-response';

/** There is no usable response. The message is for users: it names the host and holds no credential and no IP address. */
export class OutboundFailure extends Error {
  override readonly name = 'OutboundFailure';
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}
