// @ts-check
import { announce, setText, show } from './dom.js';

const shownMs = 2_000;

/**
 * A button that copies an address. Where the browser does not let it (only pages over https or on this machine may), the
 * address is shown to be copied by hand.
 * @param {HTMLElement} button
 * @param {() => URL} address
 */
export function copyLinkOn(button, address) {
  const words = button.querySelector('[data-copy-text]');
  if (!words) throw new Error('a button that copies has its words in an element of their own');
  const text = words.textContent ?? '';
  const field = document.createElement('input');
  field.readOnly = true;
  field.hidden = true;
  field.className = 'copy-field';
  field.setAttribute('aria-label', 'Launch link');
  button.after(field);
  const copyAddress = async () => {
    const { href } = address();
    const copied = await copy(href);
    field.value = href;
    show(field, !copied);
    if (!copied) return field.select();
    setText(words, 'Copied');
    announce('Launch link copied');
    setTimeout(() => setText(words, text), shownMs);
  };
  button.addEventListener('click', () => void copyAddress());
}

/** @param {string} text @returns {Promise<boolean>} false: the browser does not allow it. */
async function copy(text) {
  if (!navigator.clipboard) return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}
