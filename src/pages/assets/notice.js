// @ts-check
import { show } from './dom.js';

/**
 * Shows a sentence of the service, with the command in it, where there is one, to be copied.
 * @param {HTMLElement} place
 * @param {string | null} text null hides it.
 */
export function showNotice(place, text) {
  show(place, text !== null);
  if (text === null || place.textContent === text) return;
  const [, words = text, command] = /^(.*?)(kubectl .*)$/s.exec(text) ?? [];
  const code = document.createElement('code');
  code.textContent = command ?? '';
  place.replaceChildren(words, ...(command ? [code] : []));
}
