import { oneLine } from '../../platform/kubernetes/failures.ts';
import { commandFor, type EnvironmentFile } from './declared.ts';
import { withoutPasswords } from './notice.ts';

/** A build has failed for a reason that its user can be told: a sentence about what happened, and one what to do. */
export class BuildFailed extends Error {
  override readonly name = 'BuildFailed';
}

const tellingLength = 500;

interface Cause {
  readonly pattern: RegExp;
  /** Whose mistake it is, and what helps. */
  readonly remedy: (file: EnvironmentFile) => string;
}

const causes: readonly Cause[] = [
  {
    pattern: /no space left on device|os error 28|disk quota exceeded/i,
    remedy: () => 'The disk of this machine is full: free some space, then launch a new session.',
  },
  {
    pattern: /no usable wheels|no wheels with a matching|building from source is disabled|Wheels are required/i,
    remedy: (file) =>
      `Only built packages (wheels) are installed: change ${file} to versions that have one for this Python, or build it in a terminal of the session: ${commandFor(file)}`,
  },
  {
    pattern: /hash mismatch|--require-hashes/i,
    remedy: (file) => `${file} and the package index do not agree: correct the hashes in ${file}.`,
  },
  {
    pattern: /\b(401|403)\b|unauthorized|forbidden/i,
    remedy: () =>
      'The package index refuses this machine: check UV_DEFAULT_INDEX or PIP_INDEX_URL and their credentials.',
  },
  {
    pattern: /failed to fetch|error sending request|request failed|dns error|connection refused|timed out|certificate/i,
    remedy: () =>
      'The package index cannot be reached: connect this machine to the network (behind a proxy: set HTTPS_PROXY; with an index of your own: UV_DEFAULT_INDEX or PIP_INDEX_URL), then launch a new session.',
  },
  {
    pattern: /no solution found|couldn't parse|unsatisfiable/i,
    remedy: (file) => `Correct ${file}, commit it, and launch the new commit.`,
  },
];

/** Why uv ended with an error, from what it printed: its telling lines, whose mistake it is and what to do. Pure. */
export function explainUv(output: readonly string[], file: EnvironmentFile): string {
  const begin = output.findLastIndex((line) => /^\s*(error:|×)/.test(line));
  const telling = oneLine(
    withoutPasswords(
      output
        .slice(Math.max(0, begin))
        .map((line) => line.replace(/^\s*(error|cause|hint|╰─▶|×):?\s*/, '').trim())
        .filter((line) => line !== '' && !/^(\^+|Using Python)/.test(line))
        .join('. ')
        .replaceAll('..', '.'),
    ),
    tellingLength,
  );
  const cause = causes.find(({ pattern }) => pattern.test(telling));
  const said = telling === '' ? 'uv ended without saying why.' : `uv says: ${telling.replace(/[.\s]*$/, '.')}`;
  return [said, cause?.remedy(file) ?? `In a terminal of the session: ${commandFor(file)}`].join(' ');
}
