import { digest } from '../../lib/digest.ts';

export interface NameParts {
  /** The readable part: a user name, or a word for all anonymous users. */
  readonly user: string;
  /** `ownerKey()` of the owner. */
  readonly owner: string;
  /** In lower case: `group/sub/project`. */
  readonly projectPath: string;
  readonly branch: string;
  readonly commit: string;
}

/**
 * Returns the name of the session of an owner for a project, branch and commit, such as
 * `jane-doe-flights-mfrggzdfmztwq2lk`. An owner has at most one such session.
 *
 * The name is used for every child object and in labels, host paths and YAML templates. It has at most 52 characters (a
 * StatefulSet adds 11 to it in a label of 63), begins with a letter, and is never a keyword or a number in YAML. The digest
 * of 80 bits makes it unique.
 */
export function sessionName(parts: NameParts): string {
  const project = parts.projectPath.split('/').at(-1) ?? '';
  const user = readable(parts.user, 'user');
  return [
    cut(/^[a-z]/.test(user) ? user : `n${user}`, 10),
    cut(readable(project, 'project'), 20),
    digest([parts.owner, parts.projectPath, parts.branch, parts.commit], 80),
  ].join('-');
}

/** Removes accents, and replaces everything but lower-case ASCII letters and digits by single dashes. */
function readable(text: string, fallback: string): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return plain === '' ? fallback : plain;
}

const cut = (text: string, length: number): string => text.slice(0, length).replace(/-$/, '');
