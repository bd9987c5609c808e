// @ts-check
import { readLogs, Trouble, troubleOf } from './api.js';
import { sessionContainers } from './containers.js';
import { setText, show, showText } from './dom.js';
import { tellingLines } from './telling-lines.js';

/** A log is still being written when its container has just failed: it is read until two readings say the same. */
const maxReadings = 6;
const betweenReadingsMs = 2_000;

/**
 * Says why a session failed, or what holds it up: the service's words, and the lines of the log that tell most.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With failure, message, telling, tellingContainer, tellingText,
 *   tellingMissing.
 */
export function failureIn(ref) {
  /** Which failure the lines that are shown, or asked for, belong to. */
  let current = '';
  let readings = 0;
  let readAt = 0;
  let isSettled = false;
  /** What is shown, as text. */
  let shown = '';

  /** @param {import('./api.js').Session} session @param {string} wanted */
  async function findLines(session, wanted) {
    readings += 1;
    readAt = Date.now();
    try {
      const found = tellingLines(await readLogs(session.name), session.status.details ?? [], sessionContainers());
      if (wanted !== current) return;
      const text = JSON.stringify(found);
      isSettled = found !== null && text === shown;
      if (text !== shown) showLines(found);
      shown = text;
      show(ref('tellingMissing'), false);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (wanted === current && shown === '')
        showText(ref('tellingMissing'), `The log could not be read: ${error.message}`);
    }
  }

  /** @param {ReturnType<typeof tellingLines>} found */
  function showLines(found) {
    show(ref('telling'), found !== null);
    if (!found) return;
    setText(ref('tellingContainer'), found.container);
    ref('tellingText').replaceChildren(
      ...found.lines.flatMap((line, index) => {
        const part = document.createElement(index === found.telling ? 'mark' : 'span');
        part.textContent = line;
        return index === 0 ? [part] : ['\n', part];
      }),
    );
    const text = ref('tellingText');
    const telling = text.querySelector('mark');
    // Where long lines wrap it may be further down than what is shown.
    if (telling) text.scrollTop = telling.offsetTop + telling.offsetHeight - text.clientHeight / 2;
  }

  /** To be called whenever the session is looked at. @param {import('./api.js').Session | null} session */
  return (session) => {
    const message = session ? troubleOf(session) : null;
    showText(ref('message'), message);
    show(ref('failure'), message !== null);
    const wanted = session && message !== null ? `${session.name}\n${session.status.state}\n${message}` : '';
    if (wanted !== current) {
      current = wanted;
      readings = 0;
      isSettled = false;
      shown = '';
      show(ref('telling'), false);
      show(ref('tellingMissing'), false);
    }
    if (!session || !wanted || isSettled || readings >= maxReadings) return;
    if (Date.now() - readAt >= readings * betweenReadingsMs) void findLines(session, wanted);
  };
}
