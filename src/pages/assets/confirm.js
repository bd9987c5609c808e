// @ts-check
import { fromTemplate, refsOf, setAttribute, setText, show } from './dom.js';

/**
 * @typedef {object} Question
 * @property {string} question What is about to happen.
 * @property {string} loss What is lost by it.
 * @property {string} yes The words on the button that does it.
 * @property {(readonly [string, string])[]} [values] Texts to be given with the answer: name, and value to begin with.
 */

/**
 * Asks in place of the actions. The key that opened the question cannot answer it: the focus goes to "Keep it", and a key
 * that is held down presses nothing. Escape means no, too.
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

  /** @param {boolean} asking */
  function toggle(asking) {
    show(ref('confirm'), asking);
    show(ref('actions'), !asking);
  }
  function no() {
    toggle(false);
    opener?.focus();
  }
  /** @param {KeyboardEvent} event */
  function ignoreHeldKeys(event) {
    if (event.repeat && (event.key === 'Enter' || event.key === ' ')) event.preventDefault();
  }
  /** @param {(readonly [string, string])[]} values */
  function askForValues(values) {
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

  ref('confirmNo').addEventListener('click', no);
  ref('confirm').addEventListener('keydown', (event) => {
    ignoreHeldKeys(event);
    if (event.key === 'Escape') no();
  });
  ref('confirmYes').addEventListener('click', (event) => {
    // The second half of a double click on the button that opened the question.
    if (event.detail > 1) return;
    toggle(false);
    onYes(Object.fromEntries([...inputs].map(([name, input]) => [name, input.value])));
  });

  /**
   * @param {HTMLElement} button Opens the question.
   * @param {() => Question} ask
   * @param {(values: Record<string, string>) => void} answer Called with the texts that were given.
   */
  return (button, ask, answer) => {
    button.addEventListener('keydown', ignoreHeldKeys);
    button.addEventListener('click', () => {
      const { question, loss, yes, values = [] } = ask();
      opener = button;
      onYes = answer;
      setText(ref('confirmQuestion'), question);
      setText(ref('confirmLoss'), loss);
      setText(ref('confirmYes'), yes);
      setAttribute(ref('confirm'), 'aria-label', question);
      askForValues(values);
      toggle(true);
      ref('confirmNo').focus();
    });
  };
}
