import { oneLine } from '../../platform/kubernetes/failures.ts';
import { commandFor, type EnvironmentFile } from './declaration.ts';
import { withoutPasswords } from './notice.ts';

/** A failed build. The message has the reason and the remedy for the session's owner. */
export class BuildFailed extends Error {
  override readonly name = 'BuildFailed';
}

const maxLength = 500;

interface Cause {
  readonly pattern: RegExp;
  /** Returns the remedy: a sentence about what the owner of the session or of the machine can do. */
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
    remedy: (file) => `Correct the hashes in ${file}: they are not those of the package index.`,
  },
  {
    pattern: /\b(401|403)\b|unauthorized|forbidden/i,
    remedy: () =>
      'The package index rejects the requests of this machine: check UV_DEFAULT_INDEX or PIP_INDEX_URL and their credentials.',
  },
  {
    pattern: /failed to fetch|error sending request|request failed|dns error|connection refused|timed out|certificate/i,
    remedy: () =>
      'The package index cannot be reached: connect this machine to the network (behind a proxy: set HTTPS_PROXY; with your own index: set UV_DEFAULT_INDEX or PIP_INDEX_URL), then launch a new session.',
  },
  {
    pattern: /no solution found|couldn't parse|unsatisfiable/i,
    remedy: (file) => `Correct ${file}, commit it, and launch the new commit.`,
  },
];

/** Returns the reason and the remedy of an error of uv, given uv's output. Pure. */
export function explainUv(output: readonly string[], file: EnvironmentFile): string {
  const begin = output.findLastIndex((line) => /^\s*(error:|×)/.test(line));
  const message = oneLine(
    withoutPasswords(
      output
        .slice(Math.max(0, begin))
        .map((line) => line.replace(/^\s*(error|cause|hint|╰─▶|×):?\s*/, '').trim())
        .filter((line) => line !== '' && !/^(\^+|Using Python)/.test(line))
        .join('. ')
        .replaceAll('..', '.'),
    ),
    maxLength,
  );
  const cause = causes.find(({ pattern }) => pattern.test(message));
  const reason = message === '' ? 'uv failed without a message.' : `uv reports: ${message.replace(/[.\s]*$/, '.')}`;
  return [reason, cause?.remedy(file) ?? `In a terminal of the session: ${commandFor(file)}`].join(' ');
}
