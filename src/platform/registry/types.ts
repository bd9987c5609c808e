import type { Deadline } from '../../lib/deadline.ts';
import type { JupyterStart } from './manifest.ts';
import type { ImageReference } from './reference.ts';

export interface RegistryAccess {
  scheme: 'https' | 'http';
  /** The host is configured by the platform's administrator, and not named by a user. */
  configured: boolean;
  /** Used if the image is not public. They are sent to this registry and to the realms that `mayReceive` accepts. */
  credentials: Credentials | null;
  mayReceive: (realm: URL) => boolean;
}

export interface Credentials {
  username: string;
  password: string;
}

export interface Image {
  kind: 'image';
  /** The image is visible with the credentials only. */
  needsCredentials: boolean;
  /** `linux/amd64`, `linux/arm64/v8`, at most 100; empty if the registry does not name them. */
  platforms: readonly string[];
  /** Compressed bytes to download for the platform of a session; null if the registry does not name them. */
  size: number | null;
  /** Absolute path; null if the registry does not name it. */
  workingDir: string | null;
  /** null if the image starts no Jupyter server by itself, or if it is unknown. */
  jupyter: JupyterStart | null;
  /** Whether the entrypoint is known to run the arguments of the container as a command; null if unknown. */
  runsArguments: boolean | null;
}

export type Inspection =
  | Image
  | { kind: 'not-found' }
  /**
   * The caller may not see the image. Many registries send the same response if the image does not exist. `reason` is a
   * sentence of the platform's own realm about the account or token of the caller.
   */
  | { kind: 'denied'; reason?: string | undefined }
  /** The name exists, but is not a container image for Linux on amd64 or arm64. */
  | { kind: 'not-an-image' };

export interface RegistryClient {
  /**
   * Returns the result of the registry for an image. The first request is anonymous; if it does not find the image, the
   * next request has the credentials. An image that exists is cached for 30 s. Throws RegistryFailure, AddressRefused,
   * OutboundFailure or DeadlineExceeded.
   */
  inspect(reference: ImageReference, access: RegistryAccess, deadline: Deadline): Promise<Inspection>;
}

/** The registry sent an unusable response. The message is for users and names the host that sent the response. */
export class RegistryFailure extends Error {
  override readonly name = 'RegistryFailure';
  /** The registry is overloaded or down. Otherwise it is broken, sends wrong data, or is not a registry. */
  readonly isTemporary: boolean;
  constructor(message: string, { isTemporary }: { isTemporary: boolean }) {
    super(message);
    this.isTemporary = isTemporary;
  }
}

/** Returns the failure for a status that does not tell whether the image exists. */
export function failureOfStatus(host: string, status: number): RegistryFailure {
  if (status === 429)
    return new RegistryFailure(`${host} receives too many requests at the moment`, { isTemporary: true });
  return new RegistryFailure(`${host} answered with status ${status}`, {
    isTemporary: status >= 500 || status === 408,
  });
}
