import { isObject } from '../../lib/json.ts';

/** A user of the local platform. User names are case-sensitive. */
export interface LocalUser {
  readonly username: string;
  readonly name: string;
  readonly email: string;
}

const usernamePattern = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,62}$/u;

/** Returns the user of that name; undefined if it is not a valid user name. */
export function userNamed(text: string, owner: LocalUser): LocalUser | undefined {
  const username = text.trim().normalize('NFC');
  if (username === owner.username) return owner;
  return usernamePattern.test(username)
    ? { username, name: username, email: `${username}@localhost.localdomain` }
    : undefined;
}

/** Returns the `sub` claim, which is unique and does not change. */
export function subjectOf(user: LocalUser): string {
  return `local-${user.username}`;
}

export function isLocalUser(value: unknown): value is LocalUser {
  if (!isObject(value)) return false;
  return [value['username'], value['name'], value['email']].every((text) => typeof text === 'string' && text !== '');
}
