import type { Deadline } from '../../lib/deadline.ts';
import type { ImageReference } from './reference.ts';

export interface RegistryAccess {
  scheme: 'https' | 'http';
  /** The host comes from the platform's configuration and not from a user. */
  configured: boolean;
  /** Tried where the image cannot be seen without. They go to this registry and to realms that `mayReceive` says. */
  credentials: Credentials | null;
  mayReceive: (realm: URL) => boolean;
  /** In whose name the registry is asked: lookups of host names are shared fairly between owners. */
  owner: string;
}

export interface Credentials {
  username: string;
  password: string;
}

export interface Image {
  kind: 'image';
  /** Only the credentials could see it. */
  needsCredentials: boolean;
  /** `linux/amd64`, `linux/arm64/v8`, at most 100; empty where the registry does not say. */
  platforms: readonly string[];
  /** Bytes to download for the platform that a session would get, packed; null where the registry does not say. */
  size: number | null;
  /** Absolute; null where the registry does not say. */
  workingDir: string | null;
}

export type Inspection =
  | Image
  | { kind: 'not-found' }
  /**
   * The registry does not let the caller see it; many say the same of what does not exist. `reason`: a sentence of the
   * platform's own realm about this caller's account or token.
   */
  | { kind: 'denied'; reason?: string | undefined }
  /** There is something, but no container image for Linux on amd64 or arm64. */
  | { kind: 'not-an-image' };

export interface RegistryClient {
  /**
   * What is known of an image: first as anybody, then with the credentials. An image that was found is remembered for
   * half a minute. Throws RegistryTrouble, AddressRefused, OutboundFailure or DeadlineExceeded.
   */
  inspect(reference: ImageReference, access: RegistryAccess, deadline: Deadline): Promise<Inspection>;
}

/** The registry answered, but with nothing that can be used. `message` is for people and names who answered. */
export class RegistryTrouble extends Error {
  override readonly name = 'RegistryTrouble';
  /** It is overloaded or down; otherwise it is broken, lying, or no registry at all. */
  readonly passing: boolean;
  constructor(message: string, { passing }: { passing: boolean }) {
    super(message);
    this.passing = passing;
  }
}

/** For a status that says neither yes nor no. */
export function statusTrouble(host: string, status: number): RegistryTrouble {
  if (status === 429) return new RegistryTrouble(`${host} has too many requests at the moment`, { passing: true });
  return new RegistryTrouble(`${host} answered with status ${status}`, { passing: status >= 500 || status === 408 });
}
