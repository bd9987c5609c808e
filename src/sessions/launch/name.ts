import { digest } from '../../lib/digest.ts';

export interface NameParts {
  /** For people to recognise: a user name, or a word for nobody in particular. */
  readonly user: string;
  /** Who it belongs to: `ownerKey()`. */
  readonly owner: string;
  /** Normalised: lower case, `group/sub/project`. */
  readonly projectPath: string;
  readonly branch: string;
  readonly commit: string;
}

/**
 * The name of the one session that this owner can have for this project, branch and commit, for example
 * `jane-doe-flights-mfrggzdfmztwq2lk`.
 *
 * It becomes the name of every child object and a part of labels, host paths and YAML templates: at most 52 characters
 * (a StatefulSet adds 11 to it in a label of 63), a letter first, and with the digest never a word or a number of YAML's.
 * The 80 bits keep sessions apart; the readable parts are only there to be read.
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

/** Lower-case ASCII letters, digits and single dashes; accents are taken off, anything else becomes a dash. */
function readable(text: string, otherwise: string): string {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return plain === '' ? otherwise : plain;
}

const cut = (text: string, length: number): string => text.slice(0, length).replace(/-$/, '');
