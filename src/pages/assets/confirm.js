// @ts-check
import { fromTemplate, refsOf, setAttribute, setText, show } from './dom.js';

/**
 * @typedef {object} Confirmation
 * @property {string} question
 * @property {string} loss What will be lost.
 * @property {string} yes Label of the button that confirms.
 * @property {(readonly [string, string])[]} [values] Values that the user can edit: name and initial value.
 */

/**
 * Shows a question in place of the action buttons. The key press that opens the question must not confirm the question, so
 * the focus moves to "Keep it" and repeated events of a held key are ignored. Escape cancels.
 *
 * @param {ReturnType<typeof refsOf>} ref With actions, confirm, confirmQuestion, confirmLoss, confirmValues, confirmYes,
 *   confirmNo.
 */
export function confirmations(ref) {
  /** @type {HTMLElement | null} */
  let opener = null;
  /** @type {(values: Record<string, string>) => void} */
  let onYes = () => undefined;
  /** @type {Map<string, HTMLInputElement>} */
  let inputs = new Map();

  /** @param {boolean} isOpen */
  function toggle(isOpen) {
    show(ref('confirm'), isOpen);
    show(ref('actions'), !isOpen);
  }
  function cancel() {
    toggle(false);
    opener?.focus();
  }
  /** @param {KeyboardEvent} event */
  function ignoreHeldKeys(event) {
    if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
  }
  /** @param {(readonly [string, string])[]} values */
  function showInputs(values) {
    inputs = new Map();
    ref('confirmValues').replaceChildren(
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
    show(ref('confirmValues'), values.length > 0);
  }

  ref('confirmNo').addEventListener('click', cancel);
  ref('confirm').addEventListener('keydown', (event) => {
    ignoreHeldKeys(event);
    if (event.key === 'Escape') cancel();
  });
  ref('confirmYes').addEventListener('click', (event) => {
    // A double click on the button that opens the question must not confirm the question.
    if (event.detail > 1) return;
    toggle(false);
    onYes(Object.fromEntries([...inputs].map(([name, input]) => [name, input.value])));
  });

  /**
   * @param {HTMLElement} button Opens the question.
   * @param {() => Confirmation} describe
   * @param {(values: Record<string, string>) => void} onConfirm Is called with the values.
   */
  return (button, describe, onConfirm) => {
    button.addEventListener('keydown', ignoreHeldKeys);
    button.addEventListener('click', () => {
      const { question, loss, yes, values = [] } = describe();
      opener = button;
      onYes = onConfirm;
      setText(ref('confirmQuestion'), question);
      setText(ref('confirmLoss'), loss);
      setText(ref('confirmYes'), yes);
      setAttribute(ref('confirm'), 'aria-label', question);
      showInputs(values);
      toggle(true);
      ref('confirmNo').focus();
    });
  };
}
