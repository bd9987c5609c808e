/** The parts of an image reference, with the defaults of container tools. */
export interface ImageReference {
  /** host[:port] of the registry as the reference names it, in lower case; `docker.io` by default. */
  domain: string;
  /** host[:port] to call. Differs from `domain` for Docker Hub only. */
  host: string;
  repository: string;
  /** The digest if there is one, else the tag, else `latest`. */
  target: string;
}

/** The text is not an image reference. The message is for users and names the invalid part. */
export class InvalidReference extends Error {
  override readonly name = 'InvalidReference';
}

const dockerHub = 'docker.io';
const dockerHubHost = 'registry-1.docker.io';
const maxRepositoryLength = 255;
/** Longer than any reference that the grammar accepts: limits the work of the regular expressions below. */
const maxLength = 1024;

// github.com/distribution/reference, regexp.go.
const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainPattern = new RegExp(
  `^(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]{1,5})?$`,
);
const pathComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const tagPattern = /^\w[\w.-]{0,127}$/;
const identifier = /^[a-f0-9]{64}$/;

/**
 * Parses `[domain/]path[:tag][@digest]` by the grammar of the distribution project, with Docker's defaults: the first part
 * is a registry if it contains a `.`, a `:` or an upper-case letter or is `localhost`; otherwise the image is on Docker
 * Hub. Throws InvalidReference.
 */
export function parseReference(text: string): ImageReference {
  if (text.length > maxLength)
    throw new InvalidReference(`The image reference is longer than ${maxLength} characters.`);
  if (identifier.test(text)) throw new InvalidReference('An image id is not an image reference.');

  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw new InvalidReference(
      'The digest of the image must be sha256: and 64 hexadecimal digits (or sha384, sha512).',
    );
  }

  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  if (tag !== undefined && !tagPattern.test(tag)) {
    throw new InvalidReference('The tag of the image can have at most 128 letters, digits, _, . and -.');
  }

  const { domain, repository } = split(name);
  // The grammar accepts ports above 65535 and invalid IP addresses.
  if (!domainPattern.test(domain) || !URL.canParse(`https://${domain}/`))
    throw new InvalidReference('The registry of the image must be a host name, with a port if needed.');
  if (repository.length > maxRepositoryLength || !repository.split('/').every((part) => pathComponent.test(part))) {
    throw new InvalidReference(
      'The name of the image must consist of lower-case letters and digits, separated by single . or _ or any number of -, with / between its parts.',
    );
  }
  return { domain, host: domain === dockerHub ? dockerHubHost : domain, repository, target: digest ?? tag ?? 'latest' };
}

function split(name: string): { domain: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isDomain = /[.:A-Z]/.test(first) || first === 'localhost';
  const domain = isDomain ? first.toLowerCase().replace(/^index\.docker\.io$/, dockerHub) : dockerHub;
  const rest = isDomain ? name.slice(slash + 1) : name;
  return { domain, repository: domain === dockerHub && !rest.includes('/') ? `library/${rest}` : rest };
}

const digestLengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** Returns whether a text is a digest of an algorithm that registries use: only such a text may be part of a URL. */
export function isDigest(text: string): boolean {
  const match = /^(sha256|sha384|sha512):([a-f0-9]+)$/.exec(text);
  return match !== null && match[2]?.length === digestLengths[match[1] ?? ''];
}
