// @ts-check
import { ApiError } from './api.js';
import { announce, setAttribute, setText, show } from './dom.js';
import { showError } from './error-message.js';
import { follow } from './follow.js';
import { groupList } from './group-list.js';
import { cancelOperation, followOperation, getOperation, listOperations, saveWork } from './work-api.js';
import { progressText, resultOf } from './work-words.js';

/** @typedef {import('./work-api.js').Operation} Operation */

/**
 * Saves the work of a session, and shows the progress and the result of the save.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With save, saveProgress, saveStep, saveBar, saveCancel, saveResult,
 *   saveTitle, saveTexts, saveGroups, saveError.
 * @param {() => string} nameOf Returns the name of the session.
 * @param {() => void} onEnd Is called when a save has ended.
 */
export function savesIn(ref, nameOf, onEnd) {
  /** @type {ReturnType<typeof follow> | null} */
  let following = null;
  let current = '';
  let isStarting = false;

  /** @param {Operation} operation */
  function take(operation) {
    showError(ref('saveError'), null);
    const isOver = operation.finishedAt !== null;
    showProgress(ref('saveBar'), operation.progress);
    setText(ref('saveStep'), progressText(operation.progress));
    if (!isOver) return false;
    const hadFocus = ref('saveCancel') === document.activeElement;
    end();
    showResult(operation);
    // The focused button has become hidden.
    if (hadFocus) ref('saveResult').focus();
    onEnd();
    return true;
  }

  /** @param {Operation} operation */
  function showResult(operation) {
    const { title, texts, groups, isFailure } = resultOf(operation);
    setAttribute(ref('saveResult'), 'data-failed', isFailure ? 'true' : null);
    setText(ref('saveTitle'), title);
    ref('saveTexts').replaceChildren(
      ...texts.map((text) => {
        const element = document.createElement('p');
        element.textContent = text;
        return element;
      }),
    );
    ref('saveGroups').replaceChildren(...(groups.length > 0 ? [groupList(groups)] : []));
    show(ref('saveResult'), true);
    announce([title, ...texts].join(' '));
  }

  /** @param {string} id */
  function watch(id) {
    current = id;
    show(ref('saveResult'), false);
    following?.stop();
    following = follow({
      stream: (_lastId, signal) => followOperation(nameOf(), id, signal),
      take: ({ event, data }) => event === 'operation' && take(data),
      read: async () => take(await getOperation(nameOf(), id)),
      onError(error) {
        if (error.status !== 404 && error.status !== 409) return showError(ref('saveError'), error);
        end();
        showError(
          ref('saveError'),
          new ApiError('The save is not known any more: the session may have ended or restarted.'),
        );
        onEnd();
      },
      // Changes then come some seconds later, which needs no notice.
      onFallback: () => undefined,
    });
  }

  function end() {
    following?.stop();
    following = null;
    show(ref('saveProgress'), false);
  }

  /** Starts a save and follows it. */
  async function start() {
    if (isStarting || following) return;
    isStarting = true;
    showError(ref('saveError'), null);
    show(ref('saveResult'), false);
    setText(ref('saveStep'), 'Starting the save');
    showProgress(ref('saveBar'), { done: 0, total: null });
    show(ref('saveProgress'), true);
    show(ref('save'), false);
    ref('saveCancel').focus();
    try {
      const operation = await saveWork(nameOf());
      if (!take(operation)) watch(operation.id);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      end();
      showError(ref('saveError'), error);
      show(ref('save'), true);
      ref('save').focus();
    } finally {
      isStarting = false;
    }
  }

  async function cancel() {
    try {
      take(await cancelOperation(nameOf(), current));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showError(ref('saveError'), error);
    }
  }

  ref('save').addEventListener('click', () => void start());
  ref('saveCancel').addEventListener('click', () => void cancel());

  return {
    isRunning: () => following !== null || isStarting,
    /** Follows the save that is in progress, for example after the page was loaded again. */
    async findRunning() {
      const newest = (await listOperations(nameOf())).find(({ kind }) => kind === 'save');
      if (newest && newest.finishedAt === null && !following) {
        show(ref('saveProgress'), true);
        watch(newest.id);
      }
    },
    /** Ends the display of saves: the session no longer runs. */
    close() {
      end();
      show(ref('saveResult'), false);
      showError(ref('saveError'), null);
    },
  };
}

/** @param {HTMLElement} element A progress element. @param {{ done: number, total: number | null }} progress */
export function showProgress(element, { done, total }) {
  const isKnown = total !== null && total > 0;
  setAttribute(element, 'max', isKnown ? String(total) : null);
  setAttribute(element, 'value', isKnown ? String(Math.min(done, total)) : null);
}
