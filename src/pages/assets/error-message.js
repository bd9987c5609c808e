// @ts-check
import { fromTemplate, refsOf, setText, show } from './dom.js';

/** The elements of the visible message, by place. @type {WeakMap<HTMLElement, ReturnType<typeof refsOf>>} */
const messages = new WeakMap();

/**
 * Shows an error inside `place`; null removes the error. An equal error does not change the page, so that screen readers do
 * not read the same error after each poll.
 *
 * @param {HTMLElement} place
 * @param {import('./api.js').ApiError | null} error
 */
export function showError(place, error) {
  if (!error) {
    messages.delete(place);
    if (place.firstChild) place.replaceChildren();
    return;
  }
  const known = messages.get(place);
  if (known) return fill(known, error);
  const element = fromTemplate('error-template');
  const ref = refsOf(element);
  messages.set(place, ref);
  fill(ref, error);
  place.replaceChildren(element);
}

/** @param {ReturnType<typeof refsOf>} ref @param {import('./api.js').ApiError} error */
function fill(ref, error) {
  setText(ref('message'), error.message);
  setText(ref('detail'), error.detail ?? '');
  show(ref('detail'), Boolean(error.detail));
  const fields = error.fields.map(({ path, message }) => `${path}: ${message}`);
  if (fields.join('\n') !== ref('fields').innerText) {
    ref('fields').replaceChildren(
      ...fields.map((text) => {
        const item = document.createElement('li');
        item.textContent = text;
        return item;
      }),
    );
  }
  show(ref('fields'), fields.length > 0);
  setText(ref('requestId'), error.requestId ?? '');
  show(ref('request'), Boolean(error.requestId));
}
