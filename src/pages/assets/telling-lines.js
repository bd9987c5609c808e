// @ts-check
/** The line of a log that says why something failed. Pure. */
import { readableLog } from './format.js';

/** Lines shown before the telling one, and after it. */
const before = 2;
const after = 1;
/** How far back the end of a log is looked at. */
const considered = 200;

/** From the best kind of line to the weakest; within a kind the last line counts. */
const kinds = [
  // Git, compilers and shells put the reason behind the word; Python ends a traceback with it.
  /^\s*(?:fatal|panic|critical)\b\s*:|^(?:[A-Za-z_][\w.]*\.)?[A-Z]\w*(?:Error|Exception|Interrupt|Warning as error)\b(?::|$)|no space left on device|out of memory|cannot allocate memory|^Killed$/i,
  /^\s*(?:error|erro|e)\b\s*[:!\]]|^\[[CE] |\b(?:ERROR|CRITICAL|FATAL)\b|"level":(?:50|60)\b|level=(?:error|fatal)/,
  /\b(?:permission denied|access denied|not found|no such file|refused|timed out|cannot|could not|unable to|failed|invalid)\b/i,
];

/**
 * @typedef {object} TellingLines
 * @property {string} container
 * @property {string[]} lines A few lines of its log.
 * @property {number} telling Which of them says why.
 */

/**
 * The lines that say why a session failed: of the container whose step failed, else of the one that says it best.
 * @param {Record<string, string>} logs Text by container.
 * @param {readonly import('./api.js').Step[]} steps
 * @param {readonly import('./containers.js').Container[]} containers
 * @returns {TellingLines | null} null where no container has written anything.
 */
export function tellingLines(logs, steps, containers) {
  const failedSteps = steps.filter(({ status }) => status === 'failed').map(({ step }) => step);
  const failed = containers.filter(({ step }) => failedSteps.includes(step)).map(({ name }) => name);
  const jupyter = containers.find(({ role }) => role === 'jupyter')?.name;
  const found = Object.entries(logs)
    .map(([container, text]) => ({ container, ...tellingLine(text) }))
    .filter(({ lines }) => lines.length > 0);
  const [best] = found.sort(
    (one, other) =>
      Number(failed.includes(other.container)) - Number(failed.includes(one.container)) ||
      one.kind - other.kind ||
      Number(other.container === jupyter) - Number(one.container === jupyter),
  );
  return best ? { container: best.container, lines: best.lines, telling: best.telling } : null;
}

/**
 * @param {string} text A log; each line may begin with its time.
 * @returns {{ lines: string[], telling: number, kind: number }} `kind` is smaller the surer the line is.
 */
function tellingLine(text) {
  const lines = readableLog(text)
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d /, '').trimEnd())
    .filter((line) => line.trim() !== '')
    .slice(-considered);
  const kind = kinds.findIndex((pattern) => lines.some((line) => pattern.test(line)));
  const pattern = kinds[kind];
  const at = pattern ? lines.findLastIndex((line) => pattern.test(line)) : lines.length - 1;
  const from = Math.max(0, at - before);
  return { lines: lines.slice(from, at + 1 + after), telling: at - from, kind: pattern ? kind : kinds.length };
}
