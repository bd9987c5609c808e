// @ts-check
import './account.js';
import { ApiError, addressOf, followSession, getSession, launchOf, restartSession, stopSession } from './api.js';
import { askBefore } from './confirm.js';
import { copyLinkOn } from './copy-link.js';
import { announce, byId, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { relaunchQuestion, stopQuestion } from './end-questions.js';
import { showError } from './error-message.js';
import { failureIn } from './failure-report.js';
import { fallbackText, follow } from './follow.js';
import { duration } from './format.js';
import { launchForm } from './launch-form.js';
import { logsIn } from './logs.js';
import { showNotice } from './notice.js';
import { launchWhenDeleted, relaunch } from './relaunch.js';
import { savingIn } from './saving-status.js';
import { sessionChanges } from './session-changes.js';
import { labelsOf, mayHibernate, warningsOf } from './session-words.js';
import { notesIn, stepsIn } from './steps.js';
import { workIn } from './work-panel.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').LaunchRequest} LaunchRequest */

const data = JSON.parse(byId('launch-data').textContent ?? '{}');
/** @type {import('./api.js').LaunchTarget} */
const target = { namespace: data.namespace, project: data.project, branch: data.branch, commit_sha: data.commitSha };

const page = byId('launch');
const ref = refsOf(page);
const steps = stepsIn(ref('steps'));
const notes = notesIn(ref('notes'));
const failure = failureIn(ref);
const saving = savingIn(ref);
const work = workIn(ref, () => session?.name ?? '');
const form = launchForm(ref, target, data.options);

/** @type {Session | null} */
let session = null;
/** The last launch request, with the values of its variables, which no response contains. @type {LaunchRequest} */
let launch = target;
/** Whether the launch found an existing session, which may have other options than the form. */
let hasOtherOptions = false;
/** Whether the user has requested something else than a session that runs, so that the page does not open JupyterLab by itself. */
let staysHere = false;
/** @type {ReturnType<typeof follow> | null} */
let watching = null;
let requestedAt = 0;

/** @typedef {'consent' | 'configure' | 'requesting' | Session['status']['state'] | 'deleted' | 'rejected'} Phase */

/** The headline and the buttons of each phase. @type {Record<Phase, { headline: string, buttons: string[] }>} */
const phases = {
  consent: { headline: 'Launch this project?', buttons: ['start', 'options'] },
  configure: { headline: 'Launch with options', buttons: ['start', 'copyLink'] },
  requesting: { headline: 'Requesting a session', buttons: [] },
  starting: { headline: 'Starting your session', buttons: ['logsToggle', 'stop'] },
  running: { headline: 'Your session is ready', buttons: ['open', 'logsToggle', 'hibernate', 'stop'] },
  failed: { headline: 'The session failed', buttons: ['restart', 'again', 'resize', 'logsToggle', 'stop'] },
  stopping: { headline: 'Stopping the session', buttons: [] },
  hibernated: { headline: 'This session is hibernated', buttons: ['resume', 'resize', 'retry', 'stop'] },
  deleted: { headline: 'The session no longer exists', buttons: ['start', 'options'] },
  rejected: { headline: 'The session could not be launched', buttons: ['retry', 'options'] },
};
const changing = ['requesting', 'starting', 'stopping'];
const allButtons = [
  ...['start', 'options', 'open', 'resume', 'retry', 'restart', 'again', 'resize', 'logsToggle', 'copyLink'],
  ...['hibernate', 'stop'],
];
/** Buttons of users who can hibernate sessions. Other users resume a session by launching it again. */
const hibernationButtons = ['resume', 'resize', 'hibernate'];
/** @param {Phase} phase */
const buttonsOf = (phase) =>
  phases[phase].buttons.filter((name) =>
    hibernationButtons.includes(name)
      ? mayHibernate()
      : !(name === 'retry' && phase === 'hibernated' && mayHibernate()),
  );

/** @param {Phase} phase */
function enter(phase) {
  if (page.dataset.phase === phase) return;
  const hadFocus = ref('actions').contains(document.activeElement);
  page.dataset.phase = phase;
  const { headline } = phases[phase];
  const buttons = buttonsOf(phase);
  setText(ref('headline'), headline);
  announce(headline);
  document.title = `${headline} · ${data.name}`;
  for (const name of allButtons) show(ref(name), buttons.includes(name));
  show(ref('form'), phase === 'configure');
  show(ref('facts'), phase !== 'configure');
  show(ref('progress'), changing.includes(phase));
  show(ref('meanwhile'), changing.includes(phase));
  show(ref('consent'), phase === 'consent');
  // If the focused button has disappeared, the headline gets the focus.
  if (hadFocus && !ref('actions').contains(visibleFocus())) ref('headline').focus();
}

function visibleFocus() {
  const element = document.activeElement;
  return element instanceof HTMLElement && !element.hidden ? element : null;
}

/** @param {Session} next */
function showSession(next) {
  session = next;
  const { status } = next;
  enter(status.state in phases ? status.state : 'starting');
  const details = status.details ?? [];
  const ready = details.filter((step) => step.status === 'ready').length;
  ref('progressFill').style.setProperty('--share', String(details.length > 0 ? ready / details.length : 0));
  steps(status.state === 'stopping' || status.state === 'hibernated' ? [] : details);
  notes(status.state === 'starting' || status.state === 'running' ? warningsOf(next) : []);
  saving(next);
  work.update(next);
  failure(next);
  showNotice(ref('notice'), noticeOf(next));
  if (status.state === 'failed') show(ref('restart'), status.restartable !== false);
}

/** @param {Session} next */
function noticeOf({ status }) {
  if (status.state === 'hibernated') return status.saving ? null : (status.message ?? null);
  if (!hasOtherOptions || (status.state !== 'running' && status.state !== 'starting')) return null;
  return 'This session existed already and keeps the options of its launch. To change them, stop the session and launch it again.';
}

/**
 * Sends a launch or restart request, and shows the session or the error.
 * @param {() => Promise<Session>} request Launches or restarts the session.
 * @param {'rejected' | 'configure' | 'failed'} otherwise Phase after an error.
 */
async function begin(request, otherwise = 'rejected') {
  watching?.stop();
  requestedAt = Date.now();
  hasOtherOptions = false;
  staysHere = false;
  showError(ref('error'), null);
  failure(null);
  showNotice(ref('notice'), null);
  steps([]);
  notes([]);
  enter('requesting');
  try {
    showSession(await request());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (otherwise === 'failed' && session) showSession(session);
    else enter(otherwise);
    showError(ref('error'), error);
    if (otherwise === 'configure') form.mark(error.fields);
    return;
  }
  watch();
}

/** @param {LaunchRequest} request */
async function send(request) {
  launch = request;
  setText(ref('branchName'), request.branch);
  setText(ref('commitName'), request.commit_sha.slice(0, 8));
  const { session: launched, isNew } = await launchWhenDeleted(request);
  hasOtherOptions = !isNew && data.begin === 'configure';
  return launched;
}

function watch() {
  watching?.stop();
  const name = session?.name ?? '';
  watching = follow({
    stream: (lastId, signal) => followSession(name, lastId, signal),
    take({ event, data }) {
      if (event === 'session') return showNext(data);
      if (event !== 'end' || data.reason !== 'deleted') return false;
      showDeleted();
      return true;
    },
    read: async () => showNext(await getSession(name)),
    onError(error) {
      if (error.status !== 404) return showError(ref('error'), error);
      watching?.stop();
      showDeleted();
    },
    onFallback: (reason) => showText(ref('live'), fallbackText(reason)),
  });
}

/** Shows the new state of the session. Returns whether the page needs no further states. @param {Session} next */
function showNext(next) {
  showError(ref('error'), null);
  showSession(next);
  if (next.status.state !== 'running') return false;
  open(next);
  return true;
}

/**
 * Replaces this page with JupyterLab, so that the browser's "Back" button does not launch the session again. If the session
 * may have other options, or runs because it could not be stopped, the page shows a link instead.
 * @param {Session} running
 */
function open(running) {
  const address = addressOf(running);
  setAttribute(ref('open'), 'href', address);
  if (!address) {
    showError(
      ref('error'),
      new ApiError('The session has no valid web address.', { detail: `Its address is: ${running.url}` }),
    );
  } else if (!hasOtherOptions && !staysHere) location.replace(address);
}

function showDeleted() {
  session = null;
  work.close();
  show(ref('saving'), false);
  showError(ref('error'), null);
  steps([]);
  notes([]);
  failure(null);
  showNotice(ref('notice'), null);
  enter('deleted');
}

/** Launches the session with the options of the form if the form is open; otherwise with the options of the last launch. */
function start() {
  if (page.dataset.phase !== 'configure') return void begin(() => send(launch));
  if (form.isValid()) void begin(() => send(form.request()), 'configure');
}

async function configure() {
  enter('configure');
  const failures = await form.load();
  if (failures[0]) showError(ref('error'), failures[0]);
}

const label = () => (session ? (labelsOf([session]).get(session.name) ?? session.name) : '');

ref('start').addEventListener('click', start);
ref('form').addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
ref('retry').addEventListener('click', () => void begin(() => send(launch)));
ref('options').addEventListener('click', () => {
  showError(ref('error'), null);
  void configure().then(form.focus);
});
copyLinkOn(ref('copyLink'), form.link);
ref('restart').addEventListener('click', () => {
  const failed = session;
  if (failed) void begin(() => restartSession(failed.name), 'failed');
});
askBefore(
  ref('again'),
  // The button is visible only while there is a session.
  () => relaunchQuestion(/** @type {Session} */ (session), label(), launch.environment_variables),
  (values) => {
    const former = session;
    if (!former) return;
    launch = launchOf(former, values);
    void begin(async () => (await relaunch(former.name, launch)).session);
  },
);
askBefore(
  ref('stop'),
  () => stopQuestion(/** @type {Session} */ (session), label()),
  () => void change('stopping', () => stopSession(session?.name ?? '')),
);
/** The phase after a request, until the session has its state. */
const phaseAfter = { stopping: 'stopping', hibernating: 'stopping', resuming: 'starting', changing: null };
/** @param {import('./session-changes.js').Change} what @param {() => Promise<Session | undefined>} action */
async function change(what, action) {
  const before = session;
  if (!before) return;
  staysHere = what !== 'resuming';
  const phase = /** @type {Phase | null} */ (phaseAfter[what]);
  showError(ref('error'), null);
  if (phase) enter(phase);
  try {
    const changed = await action();
    if (changed) showSession(changed);
    watch();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showSession(before);
    showError(ref('error'), error);
  }
}
sessionChanges(
  ref,
  () => /** @type {Session} */ (session),
  label,
  change,
  (error) => showError(ref('error'), error),
);

logsIn(ref('logs'), ref('logsToggle'), () => session?.name ?? null);

setInterval(() => {
  const counting = requestedAt > 0 && ['requesting', 'starting'].includes(page.dataset.phase ?? '');
  setText(ref('elapsed'), counting ? duration(Date.now() - requestedAt) : '');
}, 1_000);

/** Resolves when the page is visible. A page that the browser renders in advance must not launch a session. */
function whenShown() {
  if (!('prerendering' in document) || !document.prerendering) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener('prerenderingchange', resolve, { once: true }));
}

if (data.begin === 'configure') void configure();
if (data.begin === 'launch') void whenShown().then(() => begin(() => send(launch)));
