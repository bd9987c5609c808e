// @ts-check
import './account.js';
import { followSessions, listSessions } from './api.js';
import { announce, byId, reconcile, setText, show, showText } from './dom.js';
import { showError } from './error-message.js';
import { fallbackText, follow } from './follow.js';
import { timeOfDay } from './format.js';
import { watchNewerCommits } from './newer-commits.js';
import { showProjects } from './projects.js';
import { sessionCard } from './session-card.js';
import { labelsOf, stateWords } from './session-words.js';

/** Time between two updates of texts that depend on the time, such as the age of a session. */
const agesMs = 15_000;
/** The page shows a search field if the user has more sessions than this. */
const manySessions = 4;

/** @type {Map<string, ReturnType<typeof sessionCard>>} */
const cards = new Map();
/** @type {Map<string, string> | null} State by session name, as last shown. */
let seen = null;
/** @type {Date | null} */
let updated = null;

const list = byId('sessions');
const filter = /** @type {HTMLInputElement} */ (byId('filter'));

/** The sessions of the user, by name. @type {Map<string, import('./api.js').Session>} */
const known = new Map();

const following = follow({
  stream: followSessions,
  take({ event, data }) {
    if (event === 'snapshot') replaceAll(Object.values(data.servers));
    if (event === 'session') known.set(data.name, data);
    if (event === 'deleted') known.delete(data.name);
    if (event !== 'end') showCurrent('Live');
    return false;
  },
  async read() {
    replaceAll(await listSessions());
    showCurrent(`Updated ${timeOfDay(new Date())}`);
    return false;
  },
  onError(error) {
    show(byId('sessions-loading'), false);
    showError(byId('sessions-error'), error);
    setText(byId('updated'), updated ? `Not updated since ${timeOfDay(updated)}` : '');
    // The sessions are hidden, because another person may use this browser after the user has signed out.
    if (error.status !== 401) return;
    known.clear();
    showSessions([]);
  },
  onFallback(reason) {
    const text = fallbackText(reason);
    if (text !== null && byId('live-notice').hidden) announce(text);
    showText(byId('live-notice'), text);
  },
});

/** @param {import('./api.js').Session[]} sessions */
function replaceAll(sessions) {
  known.clear();
  for (const session of sessions) known.set(session.name, session);
}

/** Shows the sessions, which are current. @param {string} text Says how current they are. */
function showCurrent(text) {
  updated = new Date();
  setText(byId('updated'), text);
  showError(byId('sessions-error'), null);
  showSessions([...known.values()]);
}

/** @param {import('./api.js').Session[]} sessions */
function showSessions(sessions) {
  sessions.sort((a, b) => b.started.localeCompare(a.started) || a.name.localeCompare(b.name));
  const focusWasInside = list.contains(document.activeElement);
  const labels = labelsOf(sessions);
  for (const [name, card] of cards) if (!labels.has(name)) card.close();
  reconcile(
    list,
    cards,
    sessions,
    (session) => session.name,
    (session) =>
      sessionCard(
        session,
        () => following.now(),
        (error) => showError(byId('launch-error'), error),
      ),
    (card, session) => card.update(session, labels.get(session.name) ?? session.name),
  );
  if (focusWasInside && !list.contains(document.activeElement)) byId('sessions-title').focus();
  show(byId('sessions-loading'), false);
  show(byId('sessions-empty'), sessions.length === 0);
  show(byId('filter-place'), sessions.length > manySessions || filter.value !== '');
  applyFilter();
  announceChanges(sessions, labels);
}

/** Hides the cards that do not match. They keep their open logs and questions. */
function applyFilter() {
  const wanted = filter.value.trim().toLowerCase();
  let matching = 0;
  for (const card of cards.values()) {
    const { name, annotations, status } = card.session();
    const texts = [card.label(), name, annotations['renku.io/commit-sha'] ?? '', stateWords[status.state] ?? ''];
    const matches = texts.some((text) => text.toLowerCase().includes(wanted));
    if (matches) matching += 1;
    show(card.element, matches);
  }
  const unmatched = cards.size > 0 && matching === 0;
  showText(byId('sessions-unmatched'), unmatched ? `No session matches “${filter.value.trim()}”` : null);
}

/** Announces changes since the last call to screen readers. @param {import('./api.js').Session[]} sessions @param {Map<string, string>} labels */
function announceChanges(sessions, labels) {
  const now = new Map(sessions.map((session) => [session.name, session.status.state]));
  if (seen) {
    const before = seen;
    const changes = sessions
      .filter((session) => before.get(session.name) !== session.status.state)
      .map((session) => `${labels.get(session.name)}: ${stateWords[session.status.state] ?? session.status.state}`);
    const removed = [...before.keys()].filter((name) => !now.has(name)).length;
    if (removed > 0) changes.push(removed === 1 ? 'One session was removed' : `${removed} sessions were removed`);
    if (changes.length > 0) announce(changes.join('. '));
  }
  seen = now;
}

setInterval(() => {
  if (!document.hidden) for (const card of cards.values()) card.update(card.session(), card.label());
}, agesMs);
filter.addEventListener('input', applyFilter);
watchNewerCommits(
  () => [...cards.values()].map((card) => card.session()),
  (name, newer) => cards.get(name)?.setNewer(newer),
);
showProjects();
