// @ts-check
import './account.js';
import { listSessions } from './api.js';
import { announce, byId, reconcile, setText, show } from './dom.js';
import { timeOfDay } from './format.js';
import { poll } from './poll.js';
import { showProjects } from './projects.js';
import { pathOf, sessionCard, stateWords } from './session-card.js';
import { showTrouble } from './trouble.js';

/** How soon to look again: while something moves, and while nothing does. */
const movingMs = 1_500;
const steadyMs = 5_000;

/** @type {Map<string, ReturnType<typeof sessionCard>>} */
const cards = new Map();
/** @type {Map<string, string> | null} Name to state, as last seen. */
let seen = null;
/** @type {Date | null} */
let updated = null;

const list = byId('sessions');

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
    // They are somebody's, and it is no longer known whose.
    if (trouble.status === 401) showSessions([]);
  },
);

/** @param {import('./api.js').Session[]} sessions */
function showSessions(sessions) {
  const focusWasInside = list.contains(document.activeElement);
  for (const [name, card] of cards) if (!sessions.some((session) => session.name === name)) card.close();
  reconcile(
    list,
    cards,
    sessions,
    (session) => session.name,
    (session) => sessionCard(session, () => polling.now()),
    (card, session) => card.update(session),
  );
  if (focusWasInside && !list.contains(document.activeElement)) byId('sessions-title').focus();
  show(byId('sessions-loading'), false);
  show(byId('sessions-empty'), sessions.length === 0);
  tell(sessions);
}

/** Says aloud what has changed since the last look. @param {import('./api.js').Session[]} sessions */
function tell(sessions) {
  const now = new Map(sessions.map((session) => [session.name, session.status.state]));
  if (seen) {
    const before = seen;
    const changes = sessions
      .filter((session) => before.get(session.name) !== session.status.state)
      .map((session) => `${pathOf(session)}: ${stateWords[session.status.state] ?? session.status.state}`);
    const gone = [...before.keys()].filter((name) => !now.has(name)).length;
    if (gone > 0) changes.push(gone === 1 ? 'One session has gone' : `${gone} sessions have gone`);
    if (changes.length > 0) announce(changes.join('. '));
  }
  seen = now;
}

showProjects();
