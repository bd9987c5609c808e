import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allRules, mayPush } from './protected-branches.ts';
import { accessLevel, type ForgeProject, type ProtectedBranch } from './records.ts';

/**
 * Checks each push with GitLab's rules and messages before any branch is changed: a push is accepted or rejected as a whole.
 * The check is a hook, because only git can detect that a push replaces history while the new objects are in quarantine. The
 * names of branches and patterns are in the environment, one per line. A line is a pattern of `case`, where `*` matches any
 * text, too, and is never executed.
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
reject() {
  echo "GitLab: $1" >&2
  exit 1
}
while IFS=' ' read -r old new ref; do
  case $ref in refs/heads/*) branch=\${ref#refs/heads/} ;; *) continue ;; esac
  matches "$branch" "$FORGE_PROTECTED" || continue
  case $new in *[!0]*) ;; *)
    [ "$branch" = "$FORGE_DEFAULT" ] && reject 'The default branch of a project cannot be deleted.'
    [ "$FORGE_MAINTAINER" = 1 ] && reject 'You can only delete protected branches using the web interface.'
    reject 'You are not allowed to delete protected branches from this project. Only a project maintainer or owner can delete a protected branch.' ;;
  esac
  matches "$branch" "$FORGE_PUSH" || reject 'You are not allowed to push code to protected branches on this project.'
  case $old in *[!0]*) ;; *) continue ;; esac
  matches "$branch" "$FORGE_FORCE" && continue
  git merge-base --is-ancestor "$old" "$new" ||
    reject 'You are not allowed to force push code to a protected branch on this project.'
done
exit 0
`;

/** Writes the hook and returns its directory for `core.hooksPath`. The directory has no other hooks. */
export async function installHooks(directory: string): Promise<string> {
  const hooks = join(directory, 'hooks');
  await mkdir(hooks, { recursive: true, mode: 0o700 });
  await writeFile(join(hooks, 'pre-receive'), preReceive, { mode: 0o700 });
  return hooks;
}

/** Returns the hook's environment for a push by a user with this access level. */
export function pushRules(
  project: ForgeProject,
  level: number,
  defaultBranch: string | null,
): Readonly<Record<string, string>> {
  // Branch names do not contain these characters, and the shell would read such a pattern differently.
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
