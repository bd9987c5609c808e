// @ts-check
import './account.js';
import { listSessions } from './api.js';
import { announce, byId, reconcile, setText, show, showText } from './dom.js';
import { showError } from './error-message.js';
import { timeOfDay } from './format.js';
import { watchNewerCommits } from './newer-commits.js';
import { poll } from './poll.js';
import { showProjects } from './projects.js';
import { sessionCard } from './session-card.js';
import { labelsOf, stateWords } from './session-words.js';

/** Time between two requests while a session is changing (`changingMs`), and otherwise (`steadyMs`). */
const changingMs = 1_500;
const steadyMs = 5_000;
/** The page shows a search field if the user has more sessions than this. */
const manySessions = 4;

/** @type {Map<string, ReturnType<typeof sessionCard>>} */
const cards = new Map();
/** @type {Map<string, string> | null} State by session name, from the last response. */
let seen = null;
/** @type {Date | null} */
let updated = null;

const list = byId('sessions');
const filter = /** @type {HTMLInputElement} */ (byId('filter'));

const polling = poll(
  async () => {
    const sessions = await listSessions();
    sessions.sort((a, b) => b.started.localeCompare(a.started) || a.name.localeCompare(b.name));
    updated = new Date();
    setText(byId('updated'), `Updated ${timeOfDay(updated)}`);
    showError(byId('sessions-error'), null);
    showSessions(sessions);
    return [...cards.values()].some((card) => card.isChanging()) ? changingMs : steadyMs;
  },
  (error) => {
    show(byId('sessions-loading'), false);
    showError(byId('sessions-error'), error);
    setText(byId('updated'), updated ? `Not updated since ${timeOfDay(updated)}` : '');
    // The sessions are hidden, because another person may use this browser after the user has signed out.
    if (error.status === 401) showSessions([]);
  },
);

/** @param {import('./api.js').Session[]} sessions */
function showSessions(sessions) {
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
        () => polling.now(),
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

/** Announces changes since the last response to screen readers. @param {import('./api.js').Session[]} sessions @param {Map<string, string>} labels */
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

filter.addEventListener('input', applyFilter);
watchNewerCommits(
  () => [...cards.values()].map((card) => card.session()),
  (name, newer) => cards.get(name)?.setNewer(newer),
);
showProjects();
