// @ts-check
import { show } from './dom.js';

/**
 * Shows a message of the service. A kubectl command in the message gets its own element, which is easy to copy.
 * @param {HTMLElement} place
 * @param {string | null} text null hides the message.
 */
export function showNotice(place, text) {
  show(place, text !== null);
  if (text === null || place.textContent === text) return;
  const [, words = text, command] = /^(.*?)(kubectl .*)$/s.exec(text) ?? [];
  const code = document.createElement('code');
  code.textContent = command ?? '';
  place.replaceChildren(words, ...(command ? [code] : []));
}
