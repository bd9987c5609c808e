// @ts-check
import { readLogs, Trouble, troubleOf } from './api.js';
import { setText, show, showText } from './dom.js';
import { tellingLines } from './telling-lines.js';

/**
 * Says why a session failed, or what holds it up: the service's words, and the lines of the log that tell most.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With failure, message, telling, tellingContainer, tellingText,
 *   tellingMissing.
 */
export function failureIn(ref) {
  /** What the lines that are shown, or asked for, belong to. */
  let current = '';

  /** @param {import('./api.js').Session} session @param {string} wanted */
  async function findLines(session, wanted) {
    /** @type {ReturnType<typeof tellingLines>} */
    let found = null;
    let missing = null;
    try {
      found = tellingLines(await readLogs(session.name), session.status.details ?? []);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      missing = `The log could not be read: ${error.message}`;
    }
    if (wanted !== current) return;
    showText(ref('tellingMissing'), missing);
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

  /** @param {import('./api.js').Session | null} session */
  return (session) => {
    const message = session ? troubleOf(session) : null;
    showText(ref('message'), message);
    show(ref('failure'), message !== null);
    const wanted = session && message !== null ? `${session.name}\n${session.status.state}\n${message}` : '';
    if (wanted === current) return;
    current = wanted;
    show(ref('telling'), false);
    show(ref('tellingMissing'), false);
    if (session && wanted) void findLines(session, wanted);
  };
}
