// @ts-check
import { getLogs, Trouble } from './api.js';
import { fromTemplate, reconcile, refsOf, setText, show } from './dom.js';
import { readableLog } from './format.js';
import { poll } from './poll.js';
import { showTrouble } from './trouble.js';

const everyMs = 2_000;
/** How near the end (pixels) one must be for the log to follow what is written. */
const followWithin = 24;

/**
 * A session's logs, one container at a time, followed while they are open.
 *
 * @param {HTMLElement} drawer Where they are shown.
 * @param {HTMLElement} toggle The button that opens and closes them.
 * @param {() => string | null} nameOf The session; null while there is none.
 */
export function logsIn(drawer, toggle, nameOf) {
  const panel = fromTemplate('logs-template');
  const ref = refsOf(panel);
  /** @type {Map<string, { element: HTMLElement, ref: ReturnType<typeof refsOf> }>} */
  const segments = new Map();
  const group = `logs-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  /** @type {Record<string, string>} */
  let logs = {};
  /** @type {string | null} */
  let chosen = null;
  /** @type {ReturnType<typeof poll> | null} */
  let polling = null;

  function render() {
    const containers = Object.keys(logs);
    const current = chosen !== null && containers.includes(chosen) ? chosen : (containers.at(-1) ?? null);
    reconcile(
      ref('containers'),
      segments,
      containers,
      (container) => container,
      (container) => {
        const element = fromTemplate('segment-template');
        const segment = { element, ref: refsOf(element) };
        const input = /** @type {HTMLInputElement} */ (segment.ref('input'));
        input.name = group;
        setText(segment.ref('label'), container);
        input.addEventListener('change', () => {
          chosen = container;
          render();
        });
        return segment;
      },
      (segment, container) => {
        /** @type {HTMLInputElement} */ (segment.ref('input')).checked = container === current;
      },
    );
    show(ref('containers'), containers.length > 0);
    show(ref('empty'), containers.length === 0);
    writeLog(ref('text'), current === null ? '' : readableLog(logs[current] ?? ''));
  }

  function open() {
    if (!drawer.firstChild) drawer.append(panel);
    polling = poll(
      async () => {
        const name = nameOf();
        if (name === null) return everyMs;
        logs = await getLogs(name);
        showTrouble(ref('trouble'), null);
        render();
        return everyMs;
      },
      (trouble) => showTrouble(ref('trouble'), trouble.status === 404 ? gone() : trouble),
    );
  }

  toggle.addEventListener('click', () => {
    const opening = toggle.getAttribute('aria-expanded') !== 'true';
    toggle.setAttribute('aria-expanded', String(opening));
    show(drawer, opening);
    polling?.stop();
    if (opening) open();
  });

  return { close: () => polling?.stop() };
}

function gone() {
  return new Trouble('There are no logs: the session has gone.', { status: 404 });
}

/** Adds what is new at the end and leaves the rest alone: a selection stays. @param {HTMLElement} pre @param {string} text */
function writeLog(pre, text) {
  show(pre, text !== '');
  const before = pre.textContent ?? '';
  if (before === text) return;
  const following = pre.scrollHeight - pre.scrollTop - pre.clientHeight < followWithin;
  const node = pre.firstChild;
  if (before !== '' && text.startsWith(before) && node instanceof Text) node.appendData(text.slice(before.length));
  else pre.textContent = text;
  if (following) pre.scrollTop = pre.scrollHeight;
}
