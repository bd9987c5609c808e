// @ts-check
import { fromTemplate, refsOf, setText, show } from './dom.js';

/** @type {WeakMap<HTMLElement, ReturnType<typeof refsOf>>} */
const shown = new WeakMap();

/**
 * Shows what went wrong inside `place`, or clears it. The same trouble again changes nothing, so that it is read out
 * once and not at every turn of a poll.
 *
 * @param {HTMLElement} place
 * @param {import('./api.js').Trouble | null} trouble
 */
export function showTrouble(place, trouble) {
  if (!trouble) {
    shown.delete(place);
    if (place.firstChild) place.replaceChildren();
    return;
  }
  let ref = shown.get(place);
  if (!ref) {
    const element = fromTemplate('trouble-template');
    ref = refsOf(element);
    shown.set(place, ref);
    fill(ref, trouble);
    place.replaceChildren(element);
    return;
  }
  fill(ref, trouble);
}

/** @param {ReturnType<typeof refsOf>} ref @param {import('./api.js').Trouble} trouble */
function fill(ref, trouble) {
  setText(ref('message'), trouble.message);
  setText(ref('detail'), trouble.detail ?? '');
  show(ref('detail'), Boolean(trouble.detail));
  const fields = trouble.fields.map(({ path, message }) => `${path}: ${message}`);
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
  setText(ref('requestId'), trouble.requestId ?? '');
  show(ref('request'), Boolean(trouble.requestId));
}
