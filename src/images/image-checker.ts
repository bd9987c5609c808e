import type { Config } from '../config/types.ts';
import { type Deadline, DeadlineExceeded } from '../deadline.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp } from '../platform/outbound-http/types.ts';
import {
  type Inspection,
  inspectImage,
  type RegistryAccess,
  RegistryTrouble,
} from '../platform/registry/inspect-image.ts';
import { type ImageReference, InvalidReference, parseReference } from '../platform/registry/reference.ts';
import type { ImageCheck, ImageChecker } from './types.ts';

/** Milliseconds of the request's time that are left for saying that the registry was too slow. */
const reserveMs = 500;

/** `http` must exempt the hosts of `config.git` from its address check, since those are the platform's own. */
export function createImageChecker(options: { config: Pick<Config, 'git'>; http: OutboundHttp }): ImageChecker {
  const { config, http } = options;
  return {
    async check(text, identity, deadline) {
      const reference = parse(text);
      const access = registryAccess(reference, config.git, identity);
      const inner = deadline.within(Math.max(deadline.remaining() / 2, deadline.remaining() - reserveMs));
      try {
        return describe(await inspectImage(reference, access, http, inner), reference, identity);
      } catch (error) {
        return describeFailure(error, reference, deadline);
      }
    },
  };
}

function parse(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (!(error instanceof InvalidReference)) throw error;
    throw new ApiError(errorKind.invalidImageReference, error.message, { cause: error });
  }
}

/**
 * Pure. The caller's GitLab token goes to the registry that the platform is configured with and to no other: the host
 * is compared whole, with its port. A registry on this machine is spoken to over plain http, as container tools do.
 */
export function registryAccess(reference: ImageReference, git: Config['git'], identity: Identity): RegistryAccess {
  const registry = plainHost(git.registry);
  const configured = plainHost(reference.host) === registry;
  const scheme = configured && isLoopback(registry) ? 'http' : 'https';
  const token = identity.kind === 'registered' ? identity.git.token : null;
  const gitHost = URL.parse(git.url)?.host;
  return {
    scheme,
    configured,
    credentials: configured && token ? { username: 'oauth2', password: token } : null,
    mayReceive: (realm) =>
      (realm.protocol === 'https:' || (realm.protocol === 'http:' && scheme === 'http' && isLoopback(realm.host))) &&
      (plainHost(realm.host) === registry || realm.host === gitHost),
  };
}

/** https's own port says nothing. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/:443$/, '');
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?$/.test(host);
}

function describe(inspection: Inspection, reference: ImageReference, identity: Identity): ImageCheck {
  const name = `${reference.repository} (${reference.target}) at ${reference.domain}`;
  switch (inspection.kind) {
    case 'image':
      return { exists: true, private: inspection.needsCredentials, workingDir: inspection.workingDir };
    case 'not-found':
      return { exists: false, reason: 'not-found', message: `There is no image ${name}. Check its name and tag.` };
    case 'not-an-image':
      return {
        exists: false,
        reason: 'not-found',
        message: `${name} is not a container image for Linux on amd64 or arm64.`,
      };
    case 'denied': {
      const remedy =
        identity.kind === 'anonymous'
          ? ' Sign in, or choose a public image.'
          : ' Check its name, and that you have access to it.';
      return {
        exists: false,
        reason: 'needs-login',
        message: `The image ${name} does not exist or is not public.${remedy}`,
      };
    }
  }
}

function describeFailure(error: unknown, reference: ImageReference, deadline: Deadline): ImageCheck {
  if (error instanceof AddressRefused) {
    const message = `The registry ${reference.domain} is not on the public internet. Ask the administrator to allow its network.`;
    return { exists: false, reason: 'address-refused', message };
  }
  const known = error instanceof OutboundFailure || error instanceof RegistryTrouble;
  const tooSlow = error instanceof DeadlineExceeded && !deadline.signal.aborted;
  if (!known && !tooSlow) throw error;
  const what = known ? error.message : `${reference.domain} does not answer`;
  return {
    exists: false,
    reason: 'unreachable',
    message: `The image could not be checked: ${what}. Try again in a moment.`,
  };
}
