// @ts-check
import './account.js';
import { addressOf, getSession, stopSession, Trouble, troubleOf } from './api.js';
import { confirmStop } from './confirm.js';
import { announce, byId, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { duration } from './format.js';
import { logsIn } from './logs.js';
import { poll } from './poll.js';
import { launchPatiently, startAgain } from './relaunch.js';
import { notesIn, stepsIn } from './steps.js';
import { showTrouble } from './trouble.js';

/** @typedef {import('./api.js').Session} Session */

/** How soon to look again; later once it has taken a while. */
const soonMs = 1_000;
const patientMs = 2_500;
const patientAfterMs = 60_000;

const data = JSON.parse(byId('launch-data').textContent ?? '{}');
/** @type {import('./api.js').LaunchRequest} */
const launch = { namespace: data.namespace, project: data.project, branch: data.branch, commit_sha: data.commitSha };

const page = byId('launch');
const ref = refsOf(page);
const steps = stepsIn(ref('steps'));
const notes = notesIn(ref('notes'));

/** @type {Session | null} */
let session = null;
/** @type {ReturnType<typeof poll> | null} */
let watching = null;
let askedAt = 0;

/** @typedef {'consent' | 'asking' | Session['status']['state'] | 'stopped' | 'refused'} Phase */

/** What each phase says, and which ways on it offers. @type {Record<Phase, { headline: string, offers: string[] }>} */
const phases = {
  consent: { headline: 'Launch this project?', offers: ['start'] },
  asking: { headline: 'Asking for a session', offers: [] },
  starting: { headline: 'Starting your session', offers: ['logsToggle', 'stop'] },
  running: { headline: 'Your session is ready', offers: ['open', 'logsToggle', 'stop'] },
  failed: { headline: 'The session failed', offers: ['again', 'logsToggle', 'stop'] },
  stopping: { headline: 'Stopping the session', offers: [] },
  hibernated: { headline: 'This session is hibernated', offers: ['logsToggle', 'stop'] },
  stopped: { headline: 'The session has gone', offers: ['again'] },
  refused: { headline: 'The session could not be launched', offers: ['retry'] },
};
const moving = ['asking', 'starting', 'stopping'];

/** @param {Phase} phase */
function enter(phase) {
  if (page.dataset.phase === phase) return;
  const hadFocus = ref('actions').contains(document.activeElement);
  page.dataset.phase = phase;
  const { headline, offers } = phases[phase];
  setText(ref('headline'), headline);
  announce(headline);
  document.title = `${headline} · ${data.name}`;
  for (const name of ['start', 'open', 'retry', 'again', 'logsToggle', 'stop']) show(ref(name), offers.includes(name));
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
  steps(status.state === 'stopping' ? [] : details);
  notes(status.state === 'starting' || status.state === 'running' ? (status.warnings ?? []) : []);
  showText(ref('message'), troubleOf(next));
}

/** @param {() => Promise<Session>} ask How the session is asked for: a launch, or another one. */
async function begin(ask) {
  watching?.stop();
  askedAt = Date.now();
  showTrouble(ref('trouble'), null);
  showText(ref('message'), null);
  steps([]);
  notes([]);
  enter('asking');
  try {
    showSession(await ask());
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    enter('refused');
    showTrouble(ref('trouble'), error);
    return;
  }
  watch();
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
 * Goes to JupyterLab, in place of this page: "back" leads to where one came from and not to another launch.
 * @param {Session} running
 * @returns {null} There is nothing more to watch.
 */
function open(running) {
  const address = addressOf(running);
  setAttribute(ref('open'), 'href', address);
  if (address) location.replace(address);
  else {
    showTrouble(
      ref('trouble'),
      new Trouble('The session has no address to open.', { detail: `It says: ${running.url}` }),
    );
  }
  return null;
}

function gone() {
  session = null;
  steps([]);
  notes([]);
  showText(ref('message'), null);
  enter('stopped');
}

ref('start').addEventListener('click', () => void begin(() => launchPatiently(launch)));
ref('retry').addEventListener('click', () => void begin(() => launchPatiently(launch)));
ref('again').addEventListener('click', () => void begin(() => startAgain(session?.name ?? null, launch)));
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

confirmStop(ref, () => void stop());
logsIn(ref('logs'), ref('logsToggle'), () => session?.name ?? null);

setInterval(() => {
  const counting = askedAt > 0 && ['asking', 'starting'].includes(page.dataset.phase ?? '');
  setText(ref('elapsed'), counting ? duration(Date.now() - askedAt) : '');
}, 1_000);

/** A page that is only prepared in case somebody might want it must not launch anything. */
function whenShown() {
  if (!('prerendering' in document) || !document.prerendering) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener('prerenderingchange', resolve, { once: true }));
}

if (data.startAtOnce) void whenShown().then(() => begin(() => launchPatiently(launch)));
