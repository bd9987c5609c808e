// @ts-check
import { ApiError } from './api.js';
import { askBefore } from './confirm.js';
import { announce, fromTemplate, reconcile, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { showError } from './error-message.js';
import { age, count, formatBytes } from './format.js';
import {
  cancelSnapshot,
  deleteSnapshot,
  listSnapshots,
  readOperation,
  restoreSnapshot,
  setAutomatic,
  takeSnapshot,
} from './kernels-api.js';
import { poll } from './poll.js';
import { listOperations } from './work-api.js';

/** @typedef {import('./kernels-api.js').Kernel} Kernel */
/** @typedef {import('./kernels-api.js').Snapshot} Snapshot */
/** @typedef {import('./kernels-api.js').SnapshotOperation} SnapshotOperation */

const operationMs = 1_000;
/** @type {Record<string, string>} */
const steps = {
  waiting: 'Waits for the end of a cell',
  writing: 'Saves the variables',
  checking: 'Checks the files',
  loading: 'Loads the variables',
};

/**
 * Creates the view of a kernel with its snapshots.
 * @param {Kernel} first @param {() => string} sessionOf Returns the name of the session.
 * @param {() => void} changed Is called when an operation has ended.
 */
export function kernelView(first, sessionOf, changed) {
  const element = fromTemplate('kernel-template');
  const ref = refsOf(element);
  const automatic = /** @type {HTMLInputElement} */ (ref('automatic'));
  /** @type {Map<string, ReturnType<typeof snapshotView>>} */
  const views = new Map();
  /** The operation in progress. @type {{ id: string, following: ReturnType<typeof poll> } | null} */
  let current = null;
  let isStarting = false;
  /** Whether an operation was searched that was begun before the page was loaded. */
  let isSearched = false;
  let title = '';
  let canTake = false;

  /** Runs a call, and shows its error. @param {() => Promise<unknown>} call */
  async function run(call) {
    showError(ref('error'), null);
    try {
      await call();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showError(ref('error'), error);
    }
    changed();
  }

  /** @param {SnapshotOperation} operation */
  function take(operation) {
    const { state, progress, finishedAt } = operation;
    const amount = progress.done > 0 ? `: ${formatBytes(progress.done)}` : '';
    setText(ref('step'), `${steps[progress.step] ?? state}${amount}`);
    show(ref('progress'), finishedAt === null);
    show(ref('take'), finishedAt !== null && canTake);
    if (finishedAt === null) return false;
    current = null;
    showText(ref('result'), resultText(operation));
    announce(resultText(operation));
    changed();
    return true;
  }

  /** Starts an operation and follows it. @param {() => Promise<SnapshotOperation>} call */
  async function begin(call) {
    if (current || isStarting) return;
    isStarting = true;
    show(ref('result'), false);
    try {
      await run(async () => follow(await call()));
    } finally {
      isStarting = false;
    }
  }

  /** @param {SnapshotOperation} operation */
  function follow(operation) {
    if (take(operation)) return;
    const { id } = operation;
    const step = async () => (take(await readOperation(sessionOf(), id)) ? null : operationMs);
    current = { id, following: poll(step, (error) => showError(ref('error'), error)) };
  }

  ref('take').addEventListener('click', () => void begin(() => takeSnapshot(sessionOf(), first.id)));
  ref('cancel').addEventListener('click', () => {
    const id = current?.id;
    if (id !== undefined) void run(() => cancelSnapshot(sessionOf(), id));
  });
  automatic.addEventListener('change', () => void run(() => setAutomatic(sessionOf(), first.id, automatic.checked)));

  /** @param {Snapshot} snapshot */
  const create = (snapshot) =>
    snapshotView(snapshot, title, {
      restore: () => void begin(() => restoreSnapshot(sessionOf(), first.id, snapshot.id)),
      remove: () => void run(() => deleteSnapshot(sessionOf(), first.id, snapshot.id)),
    });

  return {
    element,
    /** @param {Kernel} kernel */
    update({ path, name, state, memory_bytes: memory, reason }) {
      title = path?.split('/').at(-1) || name || 'Kernel';
      setText(ref('title'), title);
      const facts = [state, ...(memory === null ? [] : [formatBytes(memory)]), ...(reason === null ? [] : [reason])];
      setText(ref('facts'), facts.join(', '));
      for (const each of ['take', 'automatic']) setText(ref(`${each}Name`), ` of ${title}`);
    },
    /** Reads the snapshots, and shows them, or the error. */
    read: () =>
      readSnapshots().catch((error) => {
        if (!(error instanceof ApiError)) throw error;
        showError(ref('error'), error);
      }),
    /** Ends the requests about the operation in progress, which goes on. */
    close() {
      current?.following.stop();
      current = null;
      isSearched = false;
    },
  };

  async function readSnapshots() {
    if (!isSearched) {
      const operations = await listOperations(sessionOf());
      const running = operations.find((each) => each.finishedAt === null && each.snapshot?.kernel_id === first.id);
      isSearched = true;
      if (running && !current && !isStarting) follow(await readOperation(sessionOf(), running.id));
    }
    const {
      snapshots,
      engines,
      automatic: isOn,
      automatic_error: failure,
    } = await listSnapshots(sessionOf(), first.id);
    const reasons = engines.map(({ unavailable }) => unavailable);
    canTake = reasons.includes(null);
    const notes = [
      ...(canTake ? [] : [`No snapshot can be taken. ${reasons[0] ?? ''}`]),
      ...(failure === null ? [] : [`The last automatic snapshot was not taken: ${failure}`]),
    ];
    showText(ref('note'), notes.join(' '));
    show(ref('take'), canTake && current === null);
    automatic.checked = isOn;
    automatic.disabled = !canTake && !isOn;
    reconcile(
      ref('snapshots'),
      views,
      snapshots,
      ({ id }) => id,
      create,
      (view) => view.update(),
    );
  }
}

/**
 * @param {Snapshot} snapshot @param {string} kernel @param {{ restore: () => void, remove: () => void }} actions
 */
function snapshotView(snapshot, kernel, { restore, remove }) {
  const element = fromTemplate('snapshot-template');
  const ref = refsOf(element);
  const { label, reason, created, size_bytes: size, engine, variables, not_saved_count: notSaved } = snapshot;
  const isProcess = engine === 'criu';
  const name = label === '' ? `the snapshot of ${new Date(created).toLocaleString()}` : `the snapshot “${label}”`;
  setAttribute(ref('time'), 'datetime', created);
  setAttribute(ref('time'), 'title', new Date(created).toLocaleString());
  setText(ref('label'), label);
  const parts = [
    formatBytes(size),
    isProcess ? 'whole process' : count(variables, 'variable'),
    ...(notSaved > 0 ? [`${notSaved} not saved`] : []),
    ...(reason === 'user' ? [] : [reason === 'automatic' ? 'automatic' : 'before the hibernation']),
  ];
  setText(ref('facts'), parts.join(', '));
  for (const each of ['restore', 'remove']) setText(ref(`${each}Name`), ` ${name}`);
  const missing = snapshot.not_saved.map(({ name: variable, reason: why }) => `${variable}: ${why}`);
  askBefore(
    ref('restore'),
    () => ({
      question: `Restore ${name}?`,
      content: [
        isProcess
          ? `The process of ${kernel} is replaced by the saved one. What the kernel has done since then is lost.`
          : `The variables of ${kernel} become those of the snapshot. Variables that were created since then are removed, unless the snapshot could not save them.`,
        ...(missing.length > 0 ? [`Not in the snapshot: ${missing.join('; ')}`] : []),
      ],
      yes: 'Restore',
      no: 'Cancel',
    }),
    restore,
  );
  askBefore(
    ref('remove'),
    () => ({
      question: `Delete ${name}?`,
      content: ['A deleted snapshot cannot be restored.'],
      yes: 'Delete',
      no: 'Cancel',
    }),
    remove,
  );
  return { element, update: () => setText(ref('time'), age(created)) };
}

/** @param {SnapshotOperation} operation */
function resultText({ kind, state, snapshot, error }) {
  const noun = kind === 'restore' ? 'The restore' : 'The snapshot';
  if (state !== 'succeeded') return error?.message ?? `${noun} ended as ${state}.`;
  if (snapshot?.skipped) return `No snapshot was taken: ${snapshot.skipped.message}`;
  const isProcess = snapshot?.snapshot?.engine === 'criu';
  if (isProcess) return kind === 'restore' ? 'The process was restored.' : 'The snapshot has the whole process.';
  if (snapshot?.restored) {
    const { restored, not_restored: missing } = snapshot.restored;
    const failures = missing.map(({ name, reason }) => `${name} (${reason})`).join(', ');
    return `${count(restored, 'variable')} restored.${failures === '' ? '' : ` Not restored: ${failures}.`}`;
  }
  const { variables = 0, not_saved: missing = [] } = snapshot?.snapshot ?? {};
  const names = missing.map(({ name }) => name).join(', ');
  return `The snapshot has ${count(variables, 'variable')}.${names === '' ? '' : ` Not saved: ${names}.`}`;
}
