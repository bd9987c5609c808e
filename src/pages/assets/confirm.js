// @ts-check
import { byId, fromTemplate, refsOf, setAttribute, setText, show } from './dom.js';

/**
 * @typedef {object} Question
 * @property {string} question
 * @property {readonly (Node | string)[]} content Elements, and texts of paragraphs.
 * @property {string} yes Label of the button that confirms.
 * @property {string} [no] Label of the button that cancels.
 * @property {boolean} [isHarmless] Whether nothing is lost.
 * @property {(readonly [string, string])[]} [values] Values that the user can edit: name and initial value.
 */

/** @param {KeyboardEvent} event */
function ignoreHeldKeys(event) {
  if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
}

/** Whether the dialog has its listeners. */
let isPrepared = false;

/** Takes the answer from the dialog, which is closed. @type {(() => void) | null} */
let takeAnswer = null;

/** Settles when the last question is answered. @type {Promise<unknown>} */
let answered = Promise.resolve();

/**
 * Asks a question in the dialog of the page, after the answers to earlier questions: what a question needs may arrive while another one
 * is open, and an answer must be to the question that the user sees.
 * @param {Question} question
 * @returns {Promise<Record<string, string> | null>} The values; null if the user cancels.
 */
export function ask(question) {
  const answer = answered.then(() => open(question));
  answered = answer.catch(() => undefined);
  return answer;
}

/**
 * Opens the dialog with a question. The key press that opens the question must not confirm the question, so the first
 * focus is on the button that cancels, and repeated events of a held key are ignored. Escape cancels. Afterwards, the browser
 * returns the focus.
 * @param {Question} question
 * @returns {Promise<Record<string, string> | null>} The values; null if the user cancels.
 */
function open({ question, content, yes, no = 'Keep it', isHarmless = false, values = [] }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('question'));
  const ref = refsOf(dialog);
  if (!isPrepared) {
    isPrepared = true;
    dialog.addEventListener('keydown', ignoreHeldKeys);
    /** @param {'yes' | 'no'} answer */
    const close = (answer) => {
      dialog.close(answer);
      // Not at the event, which may follow the next key press.
      takeAnswer?.();
    };
    ref('no').addEventListener('click', () => close('no'));
    ref('yes').addEventListener('click', (event) => {
      // A double click on the button that opens the question must not confirm the question.
      if (event.detail <= 1) close('yes');
    });
    // After Escape. If the dialog is open, the event is that of the question before.
    dialog.addEventListener('close', () => {
      if (!dialog.open) takeAnswer?.();
    });
  }
  setText(ref('title'), question);
  ref('content').replaceChildren(...content.map((part) => (typeof part === 'string' ? paragraph(part) : part)));
  setText(ref('no'), no);
  setText(ref('yes'), yes);
  ref('yes').classList.toggle('danger', !isHarmless);
  ref('yes').classList.toggle('primary', isHarmless);
  /** @type {Map<string, HTMLInputElement>} */
  const inputs = new Map();
  ref('values').replaceChildren(
    ...values.map(([name, first]) => {
      const element = fromTemplate('value-template');
      const value = refsOf(element);
      const input = /** @type {HTMLInputElement} */ (value('input'));
      setText(value('label'), name);
      input.value = first;
      inputs.set(name, input);
      return element;
    }),
  );
  show(ref('values'), values.length > 0);
  dialog.returnValue = 'no';
  dialog.showModal();
  // The user can scroll a long text by the keyboard.
  setAttribute(ref('body'), 'tabindex', ref('body').scrollHeight > ref('body').clientHeight ? '0' : null);
  ref('no').focus();
  return new Promise((resolve) => {
    takeAnswer = () => {
      const isConfirmed = dialog.returnValue === 'yes';
      resolve(isConfirmed ? Object.fromEntries([...inputs].map(([name, input]) => [name, input.value])) : null);
    };
  });
}

/** @param {string} text */
function paragraph(text) {
  const element = document.createElement('p');
  element.textContent = text;
  return element;
}

/**
 * Makes a button ask a question before its action.
 * @param {HTMLElement} button
 * @param {() => Question | null | Promise<Question | null>} describe Returns the question; null if there is nothing to ask.
 * @param {(values: Record<string, string>) => void} onConfirm
 */
export function askBefore(button, describe, onConfirm) {
  let isBusy = false;
  const run = async () => {
    if (isBusy) return;
    isBusy = true;
    setAttribute(button, 'aria-busy', 'true');
    try {
      const question = await describe();
      const values = question === null ? {} : await ask(question);
      if (values) onConfirm(values);
    } finally {
      isBusy = false;
      setAttribute(button, 'aria-busy', null);
    }
  };
  button.addEventListener('keydown', ignoreHeldKeys);
  button.addEventListener('click', () => void run());
}
