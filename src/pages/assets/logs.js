// @ts-check
import { ApiError, followLogs } from './api.js';
import { fromTemplate, reconcile, refsOf, setText, show } from './dom.js';
import { showError } from './error-message.js';
import { readableLog } from './format.js';
import { poll } from './poll.js';

/** Delay between two connections, and between two checks whether the session exists. */
const everyMs = 2_000;
/** The log scrolls to new lines if the scroll position is at most this many pixels above the end. */
const followWithin = 24;
/** Number of lines to keep per container. The oldest lines are removed together when the log has `spareLines` more lines. */
const keptLines = 2_000;
const spareLines = 500;
/** Browsers open at most six connections to a host, and the rest of the page needs some of them. */
const maxOpen = 3;

/** Functions that close the open logs of this page, in the order of opening. @type {Set<() => void>} */
const openLogs = new Set();

/**
 * Shows a session's logs, one container at a time, and follows them while they are open and the page is visible.
 *
 * @param {HTMLElement} drawer Shows the logs.
 * @param {HTMLElement} toggle Button that opens and closes the logs.
 * @param {() => string | null} nameOf Returns the session's name; null while there is no session.
 */
export function logsIn(drawer, toggle, nameOf) {
  const panel = fromTemplate('logs-template');
  const ref = refsOf(panel);
  /** @type {Map<string, { element: HTMLElement, ref: ReturnType<typeof refsOf> }>} */
  const segments = new Map();
  const group = `logs-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  /** @type {Map<string, string[]>} */
  const logs = new Map();
  /** Id of the last event, to resume after that event; '' to begin with the last lines. */
  let lastId = '';
  /** @type {string | null} */
  let chosen = null;
  /** @type {ReturnType<typeof poll> | null} */
  let polling = null;
  /** @type {AbortController | null} */
  let connection = null;
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

  /** Renders once before the next frame. */
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
    if (event === 'skipped') add(data.container, `[${data.lines} lines were left out: the log grew too fast]`);
    if (event === 'container-error') add(data.container, `[${data.message}]`);
    if (event === 'end' && data.reason === 'deleted') throw deletedError();
  }

  /** Follows the logs over one connection until it ends. @param {string} name */
  async function follow(name) {
    connection = new AbortController();
    const { signal } = connection;
    try {
      for await (const event of followLogs(name, lastId, signal)) {
        showError(ref('error'), null);
        take(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      // A later session with the same name has different logs.
      if (error instanceof ApiError && error.status === 404) lastId = '';
      throw error;
    }
  }

  function onVisibility() {
    if (document.hidden) connection?.abort();
  }

  function stop() {
    openLogs.delete(collapse);
    document.removeEventListener('visibilitychange', onVisibility);
    polling?.stop();
    connection?.abort();
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
      (error) => showError(ref('error'), error.status === 404 ? deletedError() : error),
    );
  }

  toggle.addEventListener('click', () => {
    if (toggle.getAttribute('aria-expanded') === 'true') collapse();
    else expand();
  });

  return { close: stop };
}

function deletedError() {
  return new ApiError('There are no logs, because the session no longer exists.', { status: 404 });
}

/** Appends new text and does not change existing text, to keep a selection. @param {HTMLElement} pre @param {string} text */
function writeLog(pre, text) {
  show(pre, text !== '');
  const before = pre.textContent ?? '';
  if (before === text) return;
  const isAtEnd = pre.scrollHeight - pre.scrollTop - pre.clientHeight < followWithin;
  const node = pre.firstChild;
  if (before !== '' && text.startsWith(before) && node instanceof Text) node.appendData(text.slice(before.length));
  else pre.textContent = text;
  if (isAtEnd) pre.scrollTop = pre.scrollHeight;
}
