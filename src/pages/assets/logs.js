// @ts-check
import { followLogs, Trouble } from './api.js';
import { fromTemplate, reconcile, refsOf, setText, show } from './dom.js';
import { readableLog } from './format.js';
import { poll } from './poll.js';
import { showTrouble } from './trouble.js';

/** Between two connections, and two looks whether there is a session yet. */
const everyMs = 2_000;
/** How near the end (pixels) one must be for the log to follow what is written. */
const followWithin = 24;
/** Lines of a container that are kept, and by how many more they may grow before the oldest go. */
const keptLines = 2_000;
const spareLines = 500;
/** Browsers open six connections to a host; the rest of the page needs some of them. */
const maxOpen = 3;

/** What closes the logs that are open on this page, the longest open first. @type {Set<() => void>} */
const openLogs = new Set();

/**
 * A session's logs, one container at a time, followed while they are open and somebody looks at the page.
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
  /** @type {Map<string, string[]>} */
  const logs = new Map();
  /** Where to go on; '' to begin anew. */
  let lastId = '';
  /** @type {string | null} */
  let chosen = null;
  /** @type {ReturnType<typeof poll> | null} */
  let polling = null;
  /** @type {AbortController | null} */
  let leaving = null;
  let isRendering = false;

  function render() {
    isRendering = false;
    const containers = [...logs.keys()];
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
    writeLog(ref('text'), current === null ? '' : (logs.get(current) ?? []).join('\n'));
  }

  /** Once for all that comes before the next picture. */
  function renderSoon() {
    if (!isRendering) requestAnimationFrame(render);
    isRendering = true;
  }

  /** @param {string} container @param {string} line */
  function add(container, line) {
    const lines = logs.get(container) ?? [];
    logs.set(container, lines);
    lines.push(line);
    if (lines.length > keptLines + spareLines) lines.splice(0, spareLines);
    renderSoon();
  }

  /** @param {import('./event-stream.js').StreamEvent} event */
  function take({ event, id, data }) {
    if (event === 'open' && lastId === '') logs.clear();
    if (id) lastId = id;
    if (event === 'message' && data)
      add(data.container, readableLog(data.time ? `${data.time} ${data.line}` : data.line));
    if (event === 'skipped') add(data.container, `[${data.lines} lines were left out: they came too fast]`);
    if (event === 'container-error') add(data.container, `[${data.message}]`);
    if (event === 'end' && data.reason === 'deleted') throw gone();
  }

  /** One connection, from its beginning to its end. @param {string} name */
  async function follow(name) {
    leaving = new AbortController();
    const { signal } = leaving;
    try {
      for await (const event of followLogs(name, lastId, signal)) {
        showTrouble(ref('trouble'), null);
        take(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      // The next session of this name has logs of its own.
      if (error instanceof Trouble && error.status === 404) lastId = '';
      throw error;
    }
  }

  function onVisibility() {
    if (document.hidden) leaving?.abort();
  }

  function stop() {
    openLogs.delete(collapse);
    document.removeEventListener('visibilitychange', onVisibility);
    polling?.stop();
    leaving?.abort();
  }

  function collapse() {
    toggle.setAttribute('aria-expanded', 'false');
    show(drawer, false);
    stop();
  }

  function expand() {
    const [oldest] = openLogs;
    if (openLogs.size >= maxOpen) oldest?.();
    openLogs.add(collapse);
    toggle.setAttribute('aria-expanded', 'true');
    show(drawer, true);
    if (!drawer.firstChild) drawer.append(panel);
    render();
    document.addEventListener('visibilitychange', onVisibility);
    polling = poll(
      async () => {
        const name = nameOf();
        if (name !== null) await follow(name);
        return everyMs;
      },
      (trouble) => showTrouble(ref('trouble'), trouble.status === 404 ? gone() : trouble),
    );
  }

  toggle.addEventListener('click', () => {
    if (toggle.getAttribute('aria-expanded') === 'true') collapse();
    else expand();
  });

  return { close: stop };
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
