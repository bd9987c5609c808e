// @ts-check
import './account.js';
import { addressOf, getSession, launchOf, restartSession, stopSession, Trouble } from './api.js';
import { confirmations } from './confirm.js';
import { copyLinkOn } from './copy-link.js';
import { announce, byId, refsOf, setAttribute, setText, show } from './dom.js';
import { failureIn } from './failure.js';
import { duration } from './format.js';
import { launchForm } from './launch-form.js';
import { logsIn } from './logs.js';
import { showNotice } from './notice.js';
import { poll } from './poll.js';
import { launchAnew, launchPatiently } from './relaunch.js';
import { labelsOf, launchAnewQuestion, stopQuestion } from './session-words.js';
import { notesIn, stepsIn } from './steps.js';
import { showTrouble } from './trouble.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {import('./api.js').LaunchRequest} LaunchRequest */

/** How soon to look again; later once it has taken a while. */
const soonMs = 1_000;
const patientMs = 2_500;
const patientAfterMs = 60_000;

const data = JSON.parse(byId('launch-data').textContent ?? '{}');
/** @type {import('./api.js').LaunchTarget} */
const target = { namespace: data.namespace, project: data.project, branch: data.branch, commit_sha: data.commitSha };

const page = byId('launch');
const ref = refsOf(page);
const steps = stepsIn(ref('steps'));
const notes = notesIn(ref('notes'));
const failure = failureIn(ref);
const confirm = confirmations(ref);
const form = launchForm(ref, target, data.options);

/** @type {Session | null} */
let session = null;
/** What the last launch asked for: with the values of its variables, which no answer tells. @type {LaunchRequest} */
let launch = target;
/** A session that was there before was made with options of its own, which may not be those that were chosen. */
let hasOtherOptions = false;
/** @type {ReturnType<typeof poll> | null} */
let watching = null;
let askedAt = 0;

/** @typedef {'consent' | 'configure' | 'asking' | Session['status']['state'] | 'stopped' | 'refused'} Phase */

/** What each phase says, and which ways on it offers. @type {Record<Phase, { headline: string, offers: string[] }>} */
const phases = {
  consent: { headline: 'Launch this project?', offers: ['start', 'options'] },
  configure: { headline: 'Launch with options', offers: ['start', 'copyLink'] },
  asking: { headline: 'Asking for a session', offers: [] },
  starting: { headline: 'Starting your session', offers: ['logsToggle', 'stop'] },
  running: { headline: 'Your session is ready', offers: ['open', 'logsToggle', 'stop'] },
  failed: { headline: 'The session failed', offers: ['restart', 'again', 'logsToggle', 'stop'] },
  stopping: { headline: 'Stopping the session', offers: [] },
  hibernated: { headline: 'This session is hibernated', offers: ['again', 'logsToggle', 'stop'] },
  stopped: { headline: 'The session has gone', offers: ['start', 'options'] },
  refused: { headline: 'The session could not be launched', offers: ['retry', 'options'] },
};
const moving = ['asking', 'starting', 'stopping'];
const ways = ['start', 'options', 'open', 'retry', 'restart', 'again', 'logsToggle', 'copyLink', 'stop'];

/** @param {Phase} phase */
function enter(phase) {
  if (page.dataset.phase === phase) return;
  const hadFocus = ref('actions').contains(document.activeElement);
  page.dataset.phase = phase;
  const { headline, offers } = phases[phase];
  setText(ref('headline'), headline);
  announce(headline);
  document.title = `${headline} · ${data.name}`;
  for (const name of ways) show(ref(name), offers.includes(name));
  show(ref('form'), phase === 'configure');
  show(ref('facts'), phase !== 'configure');
  show(ref('progress'), moving.includes(phase));
  show(ref('meanwhile'), moving.includes(phase));
  show(ref('consent'), phase === 'consent');
  // A button that went away while it had the focus hands it to the headline.
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
  notes(status.state === 'starting' || status.state === 'running' ? (status.warnings ?? []) : []);
  failure(next);
  showNotice(ref('notice'), noticeOf(next));
  if (status.state === 'failed') show(ref('restart'), status.restartable !== false);
}

/** @param {Session} next */
function noticeOf({ status }) {
  if (status.state === 'hibernated') return status.message ?? null;
  if (!hasOtherOptions || (status.state !== 'running' && status.state !== 'starting')) return null;
  return 'This session was there already. It has the options of its own launch; to change them, stop it and launch again.';
}

/**
 * @param {() => Promise<Session>} ask How the session is asked for: a launch, or another one.
 * @param {'refused' | 'configure' | 'failed'} otherwise Where the page is when that is refused.
 */
async function begin(ask, otherwise = 'refused') {
  watching?.stop();
  askedAt = Date.now();
  hasOtherOptions = false;
  showTrouble(ref('trouble'), null);
  failure(null);
  showNotice(ref('notice'), null);
  steps([]);
  notes([]);
  enter('asking');
  try {
    showSession(await ask());
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    if (otherwise === 'failed' && session) showSession(session);
    else enter(otherwise);
    showTrouble(ref('trouble'), error);
    if (otherwise === 'configure') form.mark(error.fields);
    return;
  }
  watch();
}

/** @param {LaunchRequest} request */
async function ask(request) {
  launch = request;
  setText(ref('branchName'), request.branch);
  setText(ref('commitName'), request.commit_sha.slice(0, 8));
  const answer = await launchPatiently(request);
  hasOtherOptions = !answer.isNew && data.begin === 'configure';
  return answer.session;
}

function watch() {
  watching?.stop();
  watching = poll(
    async () => {
      if (!session) return null;
      if (page.dataset.phase === 'running') return open(session);
      let next;
      try {
        next = await getSession(session.name);
      } catch (error) {
        if (!(error instanceof Trouble) || error.status !== 404) throw error;
        gone();
        return null;
      }
      showTrouble(ref('trouble'), null);
      showSession(next);
      if (next.status.state === 'running') return open(next);
      return Date.now() - askedAt > patientAfterMs ? patientMs : soonMs;
    },
    (trouble) => showTrouble(ref('trouble'), trouble),
  );
}

/**
 * Goes to JupyterLab, in place of this page: "back" leads to where one came from and not to another launch. Not by itself
 * where the session is another one than was asked for.
 * @param {Session} running
 * @returns {null} There is nothing more to watch.
 */
function open(running) {
  const address = addressOf(running);
  setAttribute(ref('open'), 'href', address);
  if (!address) {
    showTrouble(
      ref('trouble'),
      new Trouble('The session has no address to open.', { detail: `It says: ${running.url}` }),
    );
  } else if (!hasOtherOptions) location.replace(address);
  return null;
}

function gone() {
  session = null;
  steps([]);
  notes([]);
  failure(null);
  showNotice(ref('notice'), null);
  enter('stopped');
}

/** The same launch again, or what the form says where it is open. */
function start() {
  if (page.dataset.phase !== 'configure') return void begin(() => ask(launch));
  if (form.isValid()) void begin(() => ask(form.request()), 'configure');
}

async function configure() {
  enter('configure');
  const failures = await form.load();
  if (failures[0]) showTrouble(ref('trouble'), failures[0]);
}

const label = () => (session ? (labelsOf([session]).get(session.name) ?? session.name) : '');

ref('start').addEventListener('click', start);
ref('form').addEventListener('submit', (event) => {
  event.preventDefault();
  start();
});
ref('retry').addEventListener('click', () => void begin(() => ask(launch)));
ref('options').addEventListener('click', () => {
  showTrouble(ref('trouble'), null);
  void configure().then(form.focus);
});
copyLinkOn(ref('copyLink'), form.link);
ref('restart').addEventListener('click', () => {
  const failed = session;
  if (failed) void begin(() => restartSession(failed.name), 'failed');
});
confirm(
  ref('again'),
  // Asked for only while there is a session.
  () => launchAnewQuestion(/** @type {Session} */ (session), label(), launch.environment_variables),
  (values) => {
    const former = session;
    if (!former) return;
    launch = launchOf(former, values);
    void begin(async () => (await launchAnew(former.name, launch)).session);
  },
);
confirm(
  ref('stop'),
  () => stopQuestion(/** @type {Session} */ (session), label()),
  () => void stop(),
);
async function stop() {
  if (!session) return;
  enter('stopping');
  try {
    await stopSession(session.name);
    watch();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    showSession(session);
    showTrouble(ref('trouble'), error);
  }
}

logsIn(ref('logs'), ref('logsToggle'), () => session?.name ?? null);

setInterval(() => {
  const counting = askedAt > 0 && ['asking', 'starting'].includes(page.dataset.phase ?? '');
  setText(ref('elapsed'), counting ? duration(Date.now() - askedAt) : '');
}, 1_000);

/** A page that is only prepared in case it might be wanted must not launch anything. */
function whenShown() {
  if (!('prerendering' in document) || !document.prerendering) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener('prerenderingchange', resolve, { once: true }));
}

if (data.begin === 'configure') void configure();
if (data.begin === 'launch') void whenShown().then(() => begin(() => ask(launch)));
