// @ts-check
import {
  ApiError,
  addressOf,
  autosavesLink,
  isSignedIn,
  launchLink,
  launchOf,
  restartSession,
  stopSession,
  targetOf,
} from './api.js';
import { askBefore } from './confirm.js';
import { copyLinkOn } from './copy-link.js';
import { fromTemplate, refsOf, setAttribute, setText, show } from './dom.js';
import { relaunchQuestion, stopQuestion } from './end-questions.js';
import { showError } from './error-message.js';
import { failureIn } from './failure-report.js';
import { age, formatCores, formatGigabytes, gigabytes, round } from './format.js';
import { kernelsIn } from './kernels-panel.js';
import { logsIn } from './logs.js';
import { showNotice } from './notice.js';
import { relaunch } from './relaunch.js';
import { savingIn } from './saving-status.js';
import { sessionChanges } from './session-changes.js';
import { mayHibernate, pathOf, stateWords, warningsOf } from './session-words.js';
import { notesIn, stepsIn } from './steps.js';
import { syncIn } from './sync-panel.js';
import { workIn } from './work-panel.js';

/** @typedef {import('./api.js').Session} Session */

/** The state to show after a request, until the session has it; null: the state of the session. */
const pendingStates = /** @type {const} */ ({
  stopping: 'stopping',
  restarting: 'starting',
  resuming: 'starting',
  hibernating: 'stopping',
  changing: null,
});

/**
 * Creates the card of a session on the sessions page.
 * @param {Session} first
 * @param {() => void} changed Is called after each request that changes the session.
 * @param {(error: ApiError | null) => void} showLaunchError Shows outside of the card that the session was deleted and could
 *   not be launched again: the card disappears with the session.
 */
export function sessionCard(first, changed, showLaunchError) {
  const element = fromTemplate('session-template');
  const ref = refsOf(element);
  const steps = stepsIn(ref('steps'));
  const notes = notesIn(ref('notes'));
  const failure = failureIn(ref);
  const logs = logsIn(ref('logs'), ref('logsToggle'), () => session.name);
  const saving = savingIn(ref);
  const work = workIn(ref, () => session.name);
  const kernels = kernelsIn(ref, () => session.name);
  const sync = syncIn(ref, () => session.name);
  let session = first;
  /** A label that is unique among the sessions of the page. */
  let label = pathOf(first);
  /** @type {import('./newer-commits.js').Newer} */
  let newer = null;
  /** The last request, until the state of the session shows its effect. @type {keyof typeof pendingStates | null} */
  let pending = null;
  /** The save before the last request, which the request has not caused. @type {string | undefined} */
  let formerSave;

  for (const drawer of ['details', 'logs', 'kernels']) {
    ref(drawer).id = `${drawer}-${first.name}`;
    ref(`${drawer}Toggle`).setAttribute('aria-controls', `${drawer}-${first.name}`);
  }

  ref('detailsToggle').addEventListener('click', () => {
    const opening = ref('details').hidden !== false;
    show(ref('details'), opening);
    setAttribute(ref('detailsToggle'), 'aria-expanded', String(opening));
  });
  copyLinkOn(ref('copyLink'), link);
  ref('restart').addEventListener('click', () => void change('restarting', () => restartSession(session.name)));
  askBefore(
    ref('again'),
    () => relaunchQuestion(session, label),
    (values) => void change('restarting', () => launchAgain(values)),
  );
  askBefore(
    ref('stop'),
    () => stopQuestion(session, label),
    () => void change('stopping', () => stopSession(session.name)),
  );
  sessionChanges(
    ref,
    () => session,
    () => label,
    change,
    (error) => showError(ref('error'), error),
  );

  /** @param {keyof typeof pendingStates} what @param {() => Promise<unknown>} action */
  async function change(what, action) {
    pending = what;
    formerSave = session.status.saving?.operation;
    showError(ref('error'), null);
    render();
    // The clicked button becomes hidden, so the focus moves to the title of the card.
    ref('title').focus();
    try {
      await action();
      if (what !== 'stopping') pending = null;
    } catch (error) {
      pending = null;
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404) showError(ref('error'), error);
    }
    render();
    changed();
  }

  /** @param {Record<string, string>} values */
  async function launchAgain(values) {
    showLaunchError(null);
    try {
      await relaunch(session.name, launchOf(session, values));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const { status, requestId, fields } = error;
      const detail = [error.detail, 'If the session is no longer in the list, launch it from its project.'];
      showLaunchError(
        new ApiError(`${label} was not launched again: ${error.message}`, {
          detail: detail.filter(Boolean).join(' '),
          status,
          requestId,
          fields,
        }),
      );
    }
  }

  /** Returns the link that launches the newest commit of the branch. */
  function link() {
    const { branch } = targetOf(session);
    return launchLink(targetOf(session), branch ? { ref: branch } : {});
  }

  function render() {
    const { annotations, status } = session;
    const state = pending === null ? status.state : (pendingStates[pending] ?? status.state);
    setAttribute(element, 'data-state', state);
    const slash = pathOf(session).lastIndexOf('/') + 1;
    setText(ref('namespace'), pathOf(session).slice(0, slash));
    setText(ref('project'), pathOf(session).slice(slash));
    setAttribute(ref('article'), 'aria-label', label);
    for (const name of [
      'open',
      'restart',
      'again',
      'details',
      'logs',
      'kernels',
      'stop',
      'copy',
      'resume',
      'resize',
      'hibernate',
    ])
      setText(ref(`${name}Name`), label);
    setText(ref('saveName'), ` the work of ${label}`);
    setText(ref('syncAddName'), ` of ${label}`);
    setText(ref('workName'), ` in ${label}`);
    setText(ref('state'), stateWords[state] ?? state);
    setText(ref('branch'), annotations['renku.io/branch'] || 'unknown branch');
    setText(ref('commit'), (annotations['renku.io/commit-sha'] ?? '').slice(0, 8));
    setText(ref('started'), age(session.started));
    setAttribute(ref('started'), 'datetime', session.started);
    setAttribute(ref('started'), 'title', new Date(session.started).toLocaleString());

    failure(pending === null ? session : null);
    saving(session);
    work.update(session);
    kernels.update(state === 'running');
    sync.update(session);
    showNotice(ref('notice'), state === 'hibernated' && !status.saving ? (status.message ?? null) : null);
    notes(state === 'failed' || state === 'stopping' ? [] : warningsOf(session));
    steps(pending === null && (state === 'starting' || state === 'failed') ? (status.details ?? []) : []);
    renderNewer(state);
    renderUsage(state === 'running');

    const address = addressOf(session);
    setAttribute(ref('open'), 'href', address);
    show(ref('open'), state === 'running' && address !== null);
    show(ref('resume'), state === 'hibernated' && pending === null && mayHibernate());
    show(ref('resize'), (state === 'hibernated' || state === 'failed') && pending === null && mayHibernate());
    show(ref('hibernate'), state === 'running' && pending === null && mayHibernate());
    show(ref('restart'), state === 'failed' && status.restartable !== false);
    show(ref('again'), state === 'failed');
    show(ref('stop'), state !== 'stopping' && pending === null);

    setText(ref('image'), session.image ?? '');
    setText(ref('repository'), annotations['renku.io/repository'] ?? '');
    setText(ref('fullCommit'), annotations['renku.io/commit-sha'] ?? '');
    setText(ref('name'), session.name);
    setText(ref('launchLink'), link().href);
    setAttribute(ref('launchLink'), 'href', link().href);
    setAttribute(ref('autosaves'), 'href', autosavesLink(pathOf(session)).href);
    for (const part of ['autosavesTerm', 'autosavesPlace']) show(ref(part), isSignedIn());
  }

  /** @param {string} state */
  function renderNewer(state) {
    show(ref('newer'), state === 'running' && newer !== null);
    setText(ref('newerText'), newer?.text ?? '');
    setText(ref('newerName'), ` (newest commit of ${label})`);
    setAttribute(ref('newerLink'), 'href', link().href);
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
    session: () => session,
    label: () => label,
    /** @param {Session} next @param {string} ownLabel */
    update(next, ownLabel) {
      session = next;
      label = ownLabel;
      const { state, saving: save } = next.status;
      // The save of a stop may have failed before the page has seen the state `stopping`.
      const hasFailed = Boolean(save?.failure) && save?.operation !== formerSave;
      if (pending === 'stopping' && (state === 'stopping' || hasFailed)) pending = null;
      render();
    },
    /** @param {import('./newer-commits.js').Newer} next */
    setNewer(next) {
      newer = next;
      render();
    },
    close() {
      logs.close();
      work.close();
      kernels.close();
      sync.close();
      failure(null);
    },
  };
}
