// @ts-check
import './account.js';
import { listSessions } from './api.js';
import { announce, byId, reconcile, setText, show, showText } from './dom.js';
import { timeOfDay } from './format.js';
import { watchNewerCommits } from './newer-commits.js';
import { poll } from './poll.js';
import { showProjects } from './projects.js';
import { sessionCard } from './session-card.js';
import { labelsOf, stateWords } from './session-words.js';
import { showTrouble } from './trouble.js';

/** How soon to look again: while something moves, and while nothing does. */
const movingMs = 1_500;
const steadyMs = 5_000;
/** With more sessions than this there is a field to find one. */
const manySessions = 4;

/** @type {Map<string, ReturnType<typeof sessionCard>>} */
const cards = new Map();
/** @type {Map<string, string> | null} Name to state, as last seen. */
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
    showTrouble(byId('sessions-trouble'), null);
    showSessions(sessions);
    return [...cards.values()].some((card) => card.moving()) ? movingMs : steadyMs;
  },
  (trouble) => {
    show(byId('sessions-loading'), false);
    showTrouble(byId('sessions-trouble'), trouble);
    setText(byId('updated'), updated ? `Not updated since ${timeOfDay(updated)}` : '');
    // They are one user's, and it is no longer known which.
    if (trouble.status === 401) showSessions([]);
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
        (error) => showTrouble(byId('launch-error'), error),
      ),
    (card, session) => card.update(session, labels.get(session.name) ?? session.name),
  );
  if (focusWasInside && !list.contains(document.activeElement)) byId('sessions-title').focus();
  show(byId('sessions-loading'), false);
  show(byId('sessions-empty'), sessions.length === 0);
  show(byId('filter-place'), sessions.length > manySessions || filter.value !== '');
  applyFilter();
  tell(sessions, labels);
}

/** Hides the cards that do not match; they go on in the background, with their logs and questions. */
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

/** Says aloud what has changed since the last look. @param {import('./api.js').Session[]} sessions @param {Map<string, string>} labels */
function tell(sessions, labels) {
  const now = new Map(sessions.map((session) => [session.name, session.status.state]));
  if (seen) {
    const before = seen;
    const changes = sessions
      .filter((session) => before.get(session.name) !== session.status.state)
      .map((session) => `${labels.get(session.name)}: ${stateWords[session.status.state] ?? session.status.state}`);
    const gone = [...before.keys()].filter((name) => !now.has(name)).length;
    if (gone > 0) changes.push(gone === 1 ? 'One session has gone' : `${gone} sessions have gone`);
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
