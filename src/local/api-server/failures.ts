import { StatusError } from '../cluster.ts';
import type { FieldError } from './field-errors.ts';
import type { Kind } from './kinds/kind.ts';

/** Returns `plural` or `plural.group`: the name of a resource in messages. */
export function qualifiedName(kind: Kind): string {
  const { plural, group } = kind.resource;
  return group === '' ? plural : `${plural}.${group}`;
}

function detailsOf(kind: Kind, name: string): { name?: string; group?: string; kind: string } {
  const { plural, group } = kind.resource;
  return { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: plural };
}

export function notFound(kind: Kind, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualifiedName(kind)} "${name}" not found`, detailsOf(kind, name));
}

export function alreadyExists(kind: Kind, name: string): StatusError {
  const message = `${qualifiedName(kind)} "${name}" already exists`;
  return new StatusError(409, 'AlreadyExists', message, detailsOf(kind, name));
}

export function conflict(kind: Kind, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedName(kind)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(kind, name));
}

export const modifiedSince =
  'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(kind: Kind, name: string, why: string): StatusError {
  return new StatusError(
    403,
    'Forbidden',
    `${qualifiedName(kind)} "${name}" is forbidden: ${why}`,
    detailsOf(kind, name),
  );
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

/** Returns the error for an unknown resource of a known group, with the message of Kubernetes. */
export function unknownPath(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource');
}

/** Results in a plain 404 without a Status, from which clients conclude that a CRD is not installed. */
export class NoSuchPath extends Error {
  override readonly name = 'NoSuchPath';
}

export function invalid(kind: Kind, name: string, errors: readonly FieldError[]): StatusError {
  const { group } = kind.resource;
  const subject = group === '' ? kind.kind : `${kind.kind}.${group}`;
  const lines = errors.map(({ field, message }) => `${field}: ${message}`);
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${subject} "${name}" is invalid: ${list}`, {
    ...(name ? { name } : {}),
    ...(group ? { group } : {}),
    kind: kind.kind,
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** Kubernetes has no reason for a full disk; HTTP has the status 507 (RFC 4918). */
export function diskFull(): StatusError {
  const message = 'the disk of this machine is full: free some space, for example by stopping a session';
  return new StatusError(507, 'InsufficientStorage', message, { retryAfterSeconds: 30 });
}

/** Returns the error for a version that is older than the history. The client must list again. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}
