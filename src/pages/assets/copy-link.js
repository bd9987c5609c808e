// @ts-check
import { announce, setText, show } from './dom.js';

const shownMs = 2_000;

/**
 * Makes a button copy a URL. If the browser does not allow pages to copy (browsers require https or localhost), a field
 * shows the URL, so that the user can copy it.
 * @param {HTMLElement} button
 * @param {() => URL} address
 */
export function copyLinkOn(button, address) {
  const label = button.querySelector('[data-copy-text]');
  if (!label) throw new Error('the button has no element with data-copy-text');
  const text = label.textContent ?? '';
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
    setText(label, 'Copied');
    announce('Launch link copied');
    setTimeout(() => setText(label, text), shownMs);
  };
  button.addEventListener('click', () => void copyAddress());
}

/** @param {string} text @returns {Promise<boolean>} false if the browser does not allow it. */
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
