// @ts-check
/** Finds the lines of a session's logs that show why it failed. Pure. */
import { readableLog } from './format.js';

/** Lines of the excerpt before the reason, and after it. */
const linesBefore = 2;
const linesAfter = 1;
/** Number of lines at the end of a log in which the reason is searched. */
const searchedLines = 200;

/** Patterns of lines with a reason, the most certain pattern first. The last line that matches a pattern is the reason. */
const patterns = [
  // Git, compilers and shells write the reason after a word such as "fatal". The last line of a Python traceback has the reason.
  /^\s*(?:fatal|panic|critical)\b\s*:|^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Warning as error)\b(?::|$)|no space left on device|out of memory|cannot allocate memory|^Killed$/i,
  /^\s*(?:error|erro|e)\b\s*[:!\]]|^\[[CE] |\b(?:ERROR|CRITICAL|FATAL)\b|"level":(?:50|60)\b|level=(?:error|fatal)/,
  /\b(?:permission denied|access denied|not found|no such file|refused|timed out|cannot|could not|unable to|failed|invalid)\b/i,
];

/**
 * @typedef {object} LogExcerpt
 * @property {string} container
 * @property {string[]} lines A few lines of its log.
 * @property {number | null} reason Index of the line with the reason; null if no line has a reason (`lines` are the last).
 */

/**
 * Returns the log lines that show why a session failed, from the container with the failed step, or else from the container
 * with the most certain reason. Returns null if no container has written a line.
 * @param {Record<string, string>} logs Text by container.
 * @param {readonly import('./api.js').Step[]} steps
 * @param {readonly import('./containers.js').Container[]} containers
 * @returns {LogExcerpt | null}
 */
export function logExcerpt(logs, steps, containers) {
  const failedSteps = steps.filter(({ status }) => status === 'failed').map(({ step }) => step);
  const failed = containers.filter(({ step }) => failedSteps.includes(step)).map(({ name }) => name);
  const jupyter = containers.find(({ role }) => role === 'jupyter')?.name;
  const found = Object.entries(logs)
    .map(([container, text]) => ({ container, ...excerptOf(text) }))
    .filter(({ lines }) => lines.length > 0);
  const [best] = found.sort(
    (one, other) =>
      Number(failed.includes(other.container)) - Number(failed.includes(one.container)) ||
      one.rank - other.rank ||
      Number(other.container === jupyter) - Number(one.container === jupyter),
  );
  return best ? { container: best.container, lines: best.lines, reason: best.reason } : null;
}

/**
 * @param {string} text A log; each line may begin with its time.
 * @returns {{ lines: string[], reason: number | null, rank: number }} A reason with a lower `rank` is more certain.
 */
function excerptOf(text) {
  const lines = readableLog(text)
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d /, '').trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-searchedLines);
  const rank = patterns.findIndex((pattern) => lines.some((line) => pattern.test(line)));
  const pattern = patterns[rank];
  if (!pattern) return { lines: lines.slice(-linesBefore - 1), reason: null, rank: patterns.length };
  const at = lines.findLastIndex((line) => pattern.test(line));
  const from = Math.max(0, at - linesBefore);
  return { lines: lines.slice(from, at + 1 + linesAfter), reason: at - from, rank };
}
