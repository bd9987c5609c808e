// @ts-check
import { addressOf, launchOf, stopSession, Trouble, troubleOf } from './api.js';
import { confirmStop } from './confirm.js';
import { fromTemplate, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { age, formatCores, formatGigabytes, gigabytes, round } from './format.js';
import { logsIn } from './logs.js';
import { startAgain } from './relaunch.js';
import { notesIn, stepsIn } from './steps.js';
import { showTrouble } from './trouble.js';

/** @typedef {import('./api.js').Session} Session */

export const stateWords = {
  running: 'Running',
  starting: 'Starting',
  stopping: 'Stopping',
  failed: 'Failed',
  hibernated: 'Hibernated',
};

/** "group/project" of a session. @param {Session} session */
export function pathOf({ annotations, name }) {
  const path = [annotations['renku.io/namespace'], annotations['renku.io/projectName']].filter(Boolean).join('/');
  return path || name;
}

/**
 * One session on the sessions page.
 * @param {Session} first
 * @param {() => void} changed Called after something was asked of the service: its answer is worth a look.
 */
export function sessionCard(first, changed) {
  const element = fromTemplate('session-template');
  const ref = refsOf(element);
  const steps = stepsIn(ref('steps'));
  const notes = notesIn(ref('notes'));
  const logs = logsIn(ref('logs'), ref('logsToggle'), () => session.name);
  let session = first;
  /** What was asked for and has not shown yet. @type {'stopping' | 'restarting' | null} */
  let pending = null;

  for (const drawer of ['details', 'logs']) {
    ref(drawer).id = `${drawer}-${first.name}`;
    ref(`${drawer}Toggle`).setAttribute('aria-controls', `${drawer}-${first.name}`);
  }
  ref('title').id = `title-${first.name}`;
  ref('article').setAttribute('aria-labelledby', `title-${first.name}`);
  for (const name of ['openName', 'againName', 'detailsName', 'logsName', 'stopName'])
    setText(ref(name), pathOf(first));

  ref('detailsToggle').addEventListener('click', () => {
    const opening = ref('details').hidden !== false;
    show(ref('details'), opening);
    setAttribute(ref('detailsToggle'), 'aria-expanded', String(opening));
  });
  confirmStop(ref, () => void ask('stopping', () => stopSession(session.name)));
  ref('again').addEventListener('click', () => {
    void ask('restarting', () => startAgain(session.name, launchOf(session)));
  });

  /** @param {'stopping' | 'restarting'} what @param {() => Promise<unknown>} action */
  async function ask(what, action) {
    pending = what;
    showTrouble(ref('trouble'), null);
    render();
    // The button that was pressed goes away; the card's title stays.
    ref('title').focus();
    try {
      await action();
      if (what === 'restarting') pending = null;
    } catch (error) {
      pending = null;
      if (!(error instanceof Trouble)) throw error;
      if (error.status !== 404) showTrouble(ref('trouble'), error);
    }
    render();
    changed();
  }

  function render() {
    const { annotations, status } = session;
    const state = pending === 'stopping' ? 'stopping' : pending === 'restarting' ? 'starting' : status.state;
    setAttribute(element, 'data-state', state);
    const slash = pathOf(session).lastIndexOf('/') + 1;
    setText(ref('namespace'), pathOf(session).slice(0, slash));
    setText(ref('project'), pathOf(session).slice(slash));
    setText(ref('state'), stateWords[state] ?? state);
    setText(ref('branch'), annotations['renku.io/branch'] || 'unknown branch');
    setText(ref('commit'), (annotations['renku.io/commit-sha'] ?? '').slice(0, 8));
    setText(ref('started'), age(session.started));
    setAttribute(ref('started'), 'datetime', session.started);
    setAttribute(ref('started'), 'title', new Date(session.started).toLocaleString());

    showText(ref('message'), pending === null ? troubleOf(session) : null);
    notes(state === 'failed' || state === 'stopping' ? [] : (status.warnings ?? []));
    steps(pending === null && (state === 'starting' || state === 'failed') ? (status.details ?? []) : []);
    renderUsage(state === 'running');

    const address = addressOf(session);
    setAttribute(ref('open'), 'href', address);
    show(ref('open'), state === 'running' && address !== null);
    show(ref('again'), state === 'failed');
    show(ref('stop'), state !== 'stopping' && pending === null);

    setText(ref('image'), session.image ?? '');
    setText(ref('repository'), annotations['renku.io/repository'] ?? '');
    setText(ref('fullCommit'), annotations['renku.io/commit-sha'] ?? '');
    setText(ref('name'), session.name);
  }

  /** @param {boolean} shown */
  function renderUsage(shown) {
    const requests = session.resources?.requests ?? {};
    const usage = session.resources?.usage ?? {};
    show(ref('usage'), shown);
    gauge('cpu', usage.cpu ?? null, requests.cpu ?? null, formatCores, round);
    gauge('memory', gigabytes(usage.memory), gigabytes(requests.memory), formatGigabytes, formatGigabytes);
    gauge('storage', gigabytes(usage.storage), gigabytes(requests.storage), formatGigabytes, formatGigabytes);
  }

  /**
   * @param {string} name
   * @param {number | null} used @param {number | null} requested
   * @param {(value: number) => string} format @param {(value: number) => string} formatUsed
   */
  function gauge(name, used, requested, format, formatUsed) {
    show(ref(name), used !== null || requested !== null);
    const text =
      used === null
        ? requested === null
          ? ''
          : `${format(requested)} requested`
        : requested === null
          ? format(used)
          : `${formatUsed(used)} of ${format(requested)}`;
    setText(ref(`${name}Text`), text);
    show(ref(`${name}Bar`), used !== null && Boolean(requested));
    const share = used !== null && requested ? Math.min(1, used / requested) : 0;
    ref(`${name}Fill`).style.setProperty('--share', String(share));
  }

  render();
  return {
    element,
    /** @param {Session} next */
    update(next) {
      session = next;
      if (pending === 'stopping' && next.status.state === 'stopping') pending = null;
      render();
    },
    /** Something is under way that is worth asking after soon. */
    moving: () => pending !== null || session.status.state === 'starting' || session.status.state === 'stopping',
    close: logs.close,
  };
}
