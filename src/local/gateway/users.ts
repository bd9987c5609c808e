/** A person as this machine knows them. Another user name is another person, whatever its case. */
export interface LocalUser {
  readonly username: string;
  readonly name: string;
  readonly email: string;
}

const usernamePattern = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,62}$/u;

/** The user of that name for whoever wants to see the platform as somebody else; undefined for what is no user name. */
export function userNamed(text: string, owner: LocalUser): LocalUser | undefined {
  const username = text.trim().normalize('NFC');
  if (username === owner.username) return owner;
  return usernamePattern.test(username)
    ? { username, name: username, email: `${username}@localhost.localdomain` }
    : undefined;
}

/** The `sub` claim: as stable as the user name, and never equal to another user's. */
export function subjectOf(user: LocalUser): string {
  return `local-${user.username}`;
}

export function isLocalUser(value: unknown): value is LocalUser {
  if (typeof value !== 'object' || value === null) return false;
  const { username, name, email } = value as Record<string, unknown>;
  return [username, name, email].every((text) => typeof text === 'string' && text !== '');
}
