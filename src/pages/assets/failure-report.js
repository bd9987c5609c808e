// @ts-check
import { ApiError, failureOf, readLogs } from './api.js';
import { sessionContainers } from './containers.js';
import { setText, show, showText } from './dom.js';
import { logExcerpt } from './log-excerpt.js';

/**
 * Maximum number of reads of the logs, with increasing delays while the page is visible. A container may still write its log,
 * or may have been restarted, so the logs are read until two reads find the same reason.
 */
const maxReads = 6;
const delayPerReadMs = 2_000;

/**
 * Shows why a session failed or why its start takes long: the message of the service, and the lines of the log that give
 * the reason.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With failure, message, excerpt, excerptTitle, excerptText,
 *   excerptError.
 */
export function failureIn(ref) {
  /** The failure for which an excerpt is shown or being read. */
  let current = '';
  let reads = 0;
  let isFinal = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** The shown excerpt as JSON. */
  let shown = '';

  /** @param {import('./api.js').Session} session @param {string} failure */
  async function readExcerpt(session, failure) {
    if (document.hidden) return;
    reads += 1;
    try {
      const found = logExcerpt(await readLogs(session.name), session.status.details ?? [], sessionContainers());
      if (failure !== current) return;
      const json = JSON.stringify(found);
      isFinal = found !== null && found.reason !== null && json === shown;
      if (json !== shown) showExcerpt(found);
      shown = json;
      show(ref('excerptError'), false);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (failure === current && shown === '')
        showText(ref('excerptError'), `The log could not be read: ${error.message}`);
    }
  }

  /** @param {ReturnType<typeof logExcerpt>} found */
  function showExcerpt(found) {
    show(ref('excerpt'), found !== null);
    if (!found) return;
    const { container, lines, reason } = found;
    setText(
      ref('excerptTitle'),
      reason === null ? `The last lines in the log of ${container}:` : `The reason in the log of ${container}:`,
    );
    const text = ref('excerptText');
    text.replaceChildren(
      ...lines.flatMap((line, index) => {
        const part = document.createElement(index === reason ? 'mark' : 'span');
        part.textContent = line;
        return index === 0 ? [part] : ['\n', part];
      }),
    );
    const mark = text.querySelector('mark');
    // Long lines wrap, so the marked line may be below the visible part.
    if (mark) text.scrollTop = mark.offsetTop + mark.offsetHeight - text.clientHeight / 2;
  }

  /** Reads the logs until the excerpt is final. @param {import('./api.js').Session} session @param {string} failure */
  async function readRepeatedly(session, failure) {
    await readExcerpt(session, failure);
    if (failure !== current || isFinal || reads >= maxReads) return;
    timer = setTimeout(() => void readRepeatedly(session, failure), Math.max(1, reads) * delayPerReadMs);
  }

  /** Call this with each new state of the session, and with null when there is none. @param {import('./api.js').Session | null} session */
  return (session) => {
    const message = session ? failureOf(session) : null;
    showText(ref('message'), message);
    show(ref('failure'), message !== null);
    const failure = session && message !== null ? `${session.name}\n${session.status.state}\n${message}` : '';
    if (failure === current) return;
    clearTimeout(timer);
    current = failure;
    reads = 0;
    isFinal = false;
    shown = '';
    show(ref('excerpt'), false);
    show(ref('excerptError'), false);
    if (session && failure) void readRepeatedly(session, failure);
  };
}
