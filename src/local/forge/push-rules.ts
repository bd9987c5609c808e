import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allRules, mayPush } from './protected-branches.ts';
import { accessLevel, type ForgeProject, type ProtectedBranch } from './records.ts';

/**
 * Decides about each push with GitLab's rules and words, before any branch is changed: a push is taken or refused as a
 * whole. A hook, because only git can say whether a push replaces history, while the new objects are in quarantine.
 * Names of branches and patterns come in the environment, one a line; a line is a pattern of `case`, where `*` stands
 * for any text, too. Nothing of them is run.
 */
const preReceive = `#!/bin/sh
set -f
newline='
'
matches() {
  IFS=$newline
  for pattern in $2; do
    # shellcheck disable=SC2254
    case $1 in $pattern) return 0 ;; esac
  done
  return 1
}
refuse() {
  echo "GitLab: $1" >&2
  exit 1
}
while IFS=' ' read -r old new ref; do
  case $ref in refs/heads/*) branch=\${ref#refs/heads/} ;; *) continue ;; esac
  matches "$branch" "$FORGE_PROTECTED" || continue
  case $new in *[!0]*) ;; *)
    [ "$branch" = "$FORGE_DEFAULT" ] && refuse 'The default branch of a project cannot be deleted.'
    [ "$FORGE_MAINTAINER" = 1 ] && refuse 'You can only delete protected branches using the web interface.'
    refuse 'You are not allowed to delete protected branches from this project. Only a project maintainer or owner can delete a protected branch.' ;;
  esac
  matches "$branch" "$FORGE_PUSH" || refuse 'You are not allowed to push code to protected branches on this project.'
  case $old in *[!0]*) ;; *) continue ;; esac
  matches "$branch" "$FORGE_FORCE" && continue
  git merge-base --is-ancestor "$old" "$new" ||
    refuse 'You are not allowed to force push code to a protected branch on this project.'
done
exit 0
`;

/** Writes the hook; answers the directory for `core.hooksPath`. No other hook is in it. */
export async function installHooks(directory: string): Promise<string> {
  const hooks = join(directory, 'hooks');
  await mkdir(hooks, { recursive: true, mode: 0o700 });
  await writeFile(join(hooks, 'pre-receive'), preReceive, { mode: 0o700 });
  return hooks;
}

/** What the hook has to know about a push by a user with this access level. */
export function pushRules(
  project: ForgeProject,
  level: number,
  defaultBranch: string | null,
): Readonly<Record<string, string>> {
  // No branch has one of these in its name: such a pattern matches none, and would mean something else to the shell.
  const rules = allRules(project, defaultBranch).filter(({ name }) => !/[?[\]\\\n]/.test(name));
  const names = (chosen: (rule: ProtectedBranch) => boolean) =>
    rules
      .filter(chosen)
      .map(({ name }) => name)
      .join('\n');
  return {
    FORGE_PROTECTED: names(() => true),
    FORGE_PUSH: names((rule) => mayPush(rule, level)),
    FORGE_FORCE: names(({ allowForcePush }) => allowForcePush),
    FORGE_DEFAULT: defaultBranch ?? '',
    FORGE_MAINTAINER: level >= accessLevel.maintainer ? '1' : '0',
  };
}
