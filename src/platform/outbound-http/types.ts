import type { Deadline } from '../../lib/deadline.ts';

export interface OutboundRequest {
  method?: 'GET' | 'HEAD' | 'POST';
  /** Host, Connection and Accept-Encoding are the client's own business and ignored. */
  headers?: Readonly<Record<string, string>>;
  body?: string;
  deadline: Deadline;
  /** Of the body as it is read, and again of what it unpacks to. */
  maxBytes: number;
  /**
   * How many redirects are followed, to any host that may be connected to; one more fails. With 0, the default, a
   * redirect is a response like another. Authorization and Cookie never go to another origin.
   */
  redirects?: number;
  /**
   * The URL (or a part of it) comes from somebody else: `exemptHosts` does not hold for it. Redirects to another
   * origin are always of this kind.
   */
  untrusted?: boolean;
  /** In whose name: lookups of host names are shared fairly between owners. */
  owner?: string;
}

export interface OutboundResponse {
  status: number;
  /** By lower-case name; doubled ones joined with a comma. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
  /** Where the answer came from, after redirects. */
  url: URL;
}

/** The one way out for requests to addresses that users can influence. */
export interface OutboundHttp {
  /** Throws AddressRefused, OutboundFailure or DeadlineExceeded; a status is never an error. */
  request(url: string | URL, options: OutboundRequest): Promise<OutboundResponse>;
  close(): Promise<void>;
}

/** The URL names, or its name resolves to, an address of the inside. Says the host as it was asked for, nothing more. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly host: string;
  constructor(host: string) {
    super(`${host} is not on the public internet, and not among the networks that the platform allows`);
    this.host = host;
  }
}

export type FailureReason = 'unreachable' | 'too-large' | 'redirect-refused' | 'invalid-url' | 'invalid-answer';

/** No usable answer. `message` is for people and holds no credential and no address. */
export class OutboundFailure extends Error {
  override readonly name = 'OutboundFailure';
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.reason = reason;
  }
}
