import type { Config } from '../config/types.ts';
import { ApiError, errorKind } from '../errors.ts';
import type { Identity } from '../identity/types.ts';
import { DeadlineExceeded } from '../lib/deadline.ts';
import { AddressRefused, OutboundFailure, type OutboundHttp } from '../platform/outbound-http/types.ts';
import { createRegistryClient } from '../platform/registry/client.ts';
import { type ImageReference, InvalidReference, parseReference } from '../platform/registry/reference.ts';
import { type Inspection, type RegistryAccess, RegistryFailure } from '../platform/registry/types.ts';
import type { ImageCheck, ImageChecker } from './types.ts';

/** Milliseconds that are reserved for the response about a registry that is too slow. */
const reserveMs = 500;

/** Returns the image check of the service. `http` must exempt the hosts of `config.git` from its address check. */
export function createImageChecker(options: { config: Pick<Config, 'git'>; http: OutboundHttp }): ImageChecker {
  const { config, http } = options;
  const registries = createRegistryClient(http);
  return {
    async check(text, identity, deadline) {
      const reference = parse(text);
      const access = registryAccess(reference, config.git, identity);
      if (deadline.remaining() === 0) throw deadline.exceeded(`the check of the image at ${reference.domain}`);
      const inner = deadline.within(Math.max(deadline.remaining() / 2, deadline.remaining() - reserveMs));
      try {
        return describe(await registries.inspect(reference, access, inner), reference, identity);
      } catch (error) {
        return describeFailure(error, reference);
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
 * Returns how to call a registry on behalf of a caller. Pure. The caller's GitLab token is sent to the configured registry,
 * to the configured GitLab as the realm of that registry, and to no other host: hosts are compared as a whole, with their
 * ports. Calls use https, except to a GitLab that is configured with http and to a configured registry on loopback, which
 * container tools call over plain http, too.
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
    credentials: configured && token ? { username: 'oauth2', password: token } : null,
    mayReceive({ host, protocol }) {
      const isRegistry = plainHost(host) === registry && protocol === `${scheme}:`;
      return isRegistry || (host === gitlab.host && (protocol === 'https:' || protocol === gitlab.protocol));
    },
  };
}

/** Returns the host without the default port of https. */
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
      const { needsCredentials, platforms, size, workingDir, jupyter, runsArguments } = inspection;
      return { exists: true, private: needsCredentials, platforms, size, workingDir, jupyter, runsArguments };
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
          `You do not have access to the image ${name}. ${inspection.reason}`,
          'Sign in to GitLab with a browser to see what your account requires, then sign in here again.',
        );
      }
      return missing(
        'needs-login',
        `The image ${name} does not exist or is not public.`,
        identity.kind === 'anonymous'
          ? 'Sign in, or choose a public image.'
          : 'Check its name, and that you have access.',
      );
  }
}

function missing(reason: (ImageCheck & { exists: false })['reason'], message: string, remedy: string): ImageCheck {
  return { exists: false, reason, message, remedy };
}

function describeFailure(error: unknown, reference: ImageReference): ImageCheck {
  const { domain } = reference;
  if (error instanceof AddressRefused) {
    const itself = error.host === new URL(`https://${reference.host}`).hostname.replace(/^\[|\]$/g, '');
    const message = itself
      ? `The registry ${domain} is not on the public internet.`
      : `The registry ${domain} redirects to ${error.host}, which is not on the public internet.`;
    return missing('address-refused', message, 'Choose another image, or ask the administrator to allow that network.');
  }
  const couldNot = (what: string) => `The image could not be checked: ${what}.`;
  // On a busy machine, the deadline of the request may have expired, too; its error would not name the registry.
  if (error instanceof DeadlineExceeded) {
    return missing('unreachable', couldNot(`${domain} does not respond in time`), 'Try again later.');
  }
  if (!(error instanceof OutboundFailure || error instanceof RegistryFailure)) throw error;
  const passing = error instanceof RegistryFailure ? error.isTemporary : error.reason === 'unreachable';
  return passing
    ? missing('unreachable', couldNot(error.message), 'Check the name of the registry, or try again later.')
    : missing(
        'invalid-answer',
        couldNot(error.message),
        `Check the name of the registry. If it is correct, contact the administrator of ${domain}.`,
      );
}
