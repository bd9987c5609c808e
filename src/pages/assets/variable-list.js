// @ts-check
import { fromTemplate, refsOf, setText } from './dom.js';

const namePattern = '[A-Za-z_][A-Za-z0-9_]*';

/**
 * Shows rows with a name and a value, in which the user enters environment variables.
 * @param {HTMLElement} list
 * @param {HTMLElement} addButton
 */
export function variableList(list, addButton) {
  /** @type {Set<{ name: HTMLInputElement, value: HTMLInputElement }>} */
  const rows = new Set();

  function add() {
    const element = fromTemplate('variable-template');
    const ref = refsOf(element);
    const row = {
      name: /** @type {HTMLInputElement} */ (ref('name')),
      value: /** @type {HTMLInputElement} */ (ref('value')),
    };
    row.name.pattern = namePattern;
    row.name.title = 'Letters, digits and underscores, not beginning with a digit';
    rows.add(row);
    const rename = () => {
      const name = row.name.value.trim();
      // A value without a name is not sent, so the browser asks for the name.
      row.name.required = row.value.value !== '';
      row.value.setAttribute('aria-label', name ? `Value of ${name}` : 'Value');
      setText(ref('removeName'), `Remove ${name || 'this variable'}`);
    };
    row.name.addEventListener('input', rename);
    row.value.addEventListener('input', rename);
    ref('remove').addEventListener('click', () => {
      rows.delete(row);
      element.remove();
      addButton.focus();
    });
    list.append(element);
    row.name.focus();
  }

  addButton.addEventListener('click', add);
  return {
    /** @returns {Record<string, string>} */
    values: () =>
      Object.fromEntries(
        [...rows].flatMap(({ name, value }) => (name.value.trim() ? [[name.value.trim(), value.value]] : [])),
      ),
  };
}
