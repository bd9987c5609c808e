import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import { ownerKey } from '../identity/owner.ts';
import type { Identity } from '../identity/types.ts';
import { type Deadline, DeadlineExceeded } from '../lib/deadline.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp } from '../platform/outbound-http/types.ts';
import { createRegistryClient } from '../platform/registry/client.ts';
import { type ImageReference, InvalidReference, parseReference } from '../platform/registry/reference.ts';
import { type Inspection, type RegistryAccess, RegistryTrouble } from '../platform/registry/types.ts';
import type { ImageCheck, ImageChecker } from './types.ts';

/** Milliseconds of the request's time that are left for saying that the registry was too slow. */
const reserveMs = 500;

/** `http` must exempt the hosts of `config.git` from its address check, since those are the platform's own. */
export function createImageChecker(options: { config: Pick<Config, 'git'>; http: OutboundHttp }): ImageChecker {
  const { config, http } = options;
  const registries = createRegistryClient(http);
  return {
    async check(text, identity, deadline) {
      const reference = parse(text);
      const access = registryAccess(reference, config.git, identity);
      const inner = deadline.within(Math.max(deadline.remaining() / 2, deadline.remaining() - reserveMs));
      try {
        return describe(await registries.inspect(reference, access, inner), reference, identity);
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
 * Pure. The caller's GitLab token goes to the registry that the platform is configured with, and to the GitLab that it
 * is configured with as that registry's realm, and to no other: hosts are compared whole, with their ports. Over https,
 * unless the operator has configured a GitLab without, or a registry on this machine: that is spoken to over plain
 * http, as container tools do.
 */
export function registryAccess(reference: ImageReference, git: Config['git'], identity: Identity): RegistryAccess {
  const registry = plainHost(git.registry);
  const configured = plainHost(reference.host) === registry;
  const scheme = configured && isLoopback(registry) ? 'http' : 'https';
  const token = identity.kind === 'registered' ? identity.git.token : null;
  const gitlab = new URL(git.url);
  return {
    scheme,
    configured,
    // Ids of anonymous users are free of charge: they count as one owner.
    owner: identity.kind === 'anonymous' ? 'anonymous' : ownerKey(identity),
    credentials: configured && token ? { username: 'oauth2', password: token } : null,
    mayReceive({ host, protocol }) {
      const isRegistry = plainHost(host) === registry && protocol === `${scheme}:`;
      return isRegistry || (host === gitlab.host && (protocol === 'https:' || protocol === gitlab.protocol));
    },
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
    case 'image': {
      const { needsCredentials, platforms, size, workingDir } = inspection;
      return { exists: true, private: needsCredentials, platforms, size, workingDir };
    }
    case 'not-found':
      return missing('not-found', `There is no image ${name}.`, 'Check its name and tag.');
    case 'not-an-image':
      return missing(
        'not-found',
        `${name} is not a container image for Linux on amd64 or arm64.`,
        'Choose an image that is built for one of these.',
      );
    case 'denied':
      if (inspection.reason !== undefined) {
        return missing(
          'needs-login',
          `You may not see the image ${name}. ${inspection.reason}`,
          'Sign in to GitLab itself with a browser to see what it wants of you, then sign in here again.',
        );
      }
      return missing(
        'needs-login',
        `The image ${name} does not exist or is not public.`,
        identity.kind === 'anonymous'
          ? 'Sign in, or choose a public image.'
          : 'Check its name, and that you have access to it.',
      );
  }
}

function missing(reason: (ImageCheck & { exists: false })['reason'], message: string, remedy: string): ImageCheck {
  return { exists: false, reason, message, remedy };
}

function describeFailure(error: unknown, reference: ImageReference, deadline: Deadline): ImageCheck {
  const { domain } = reference;
  if (error instanceof AddressRefused) {
    const itself = error.host === new URL(`https://${reference.host}`).hostname.replace(/^\[|\]$/g, '');
    const message = itself
      ? `The registry ${domain} is not on the public internet.`
      : `The registry ${domain} sends its callers on to ${error.host}, which is not on the public internet.`;
    return missing('address-refused', message, 'Choose another image, or ask the administrator to allow that network.');
  }
  const couldNot = (what: string) => `The image could not be checked: ${what}.`;
  if (error instanceof DeadlineExceeded && !deadline.signal.aborted) {
    return missing('unreachable', couldNot(`${domain} does not answer in time`), 'Try again in a moment.');
  }
  if (!(error instanceof OutboundFailure || error instanceof RegistryTrouble)) throw error;
  const passing = error instanceof RegistryTrouble ? error.passing : error.reason === 'unreachable';
  return passing
    ? missing('unreachable', couldNot(error.message), 'Check the name of the registry, or try again in a moment.')
    : missing(
        'invalid-answer',
        couldNot(error.message),
        `Check the name of the registry. If it is right, whoever runs ${domain} must mend this.`,
      );
}
