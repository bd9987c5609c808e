// @ts-check
import { ApiError } from './api.js';
import { askBefore } from './confirm.js';
import { fromTemplate, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { showError } from './error-message.js';
import { age } from './format.js';
import { groupList } from './group-list.js';
import { deleteAutosave } from './work-api.js';
import { contentGroups, contentSummary, shortened } from './work-words.js';

/** @typedef {import('./work-api.js').AutosaveContent} AutosaveContent */

/**
 * Creates the row of an autosave.
 * @param {string} project
 * @param {import('./work-api.js').Autosave} autosave
 * @param {() => void} onDeleted
 */
export function autosaveRow(project, autosave, onDeleted) {
  const { name, branch, commit, date } = autosave;
  const element = fromTemplate('autosave-template');
  const ref = refsOf(element);
  const label = date === null ? `the autosave of ${branch}` : `the autosave of ${branch}, ${age(date)}`;
  /** @type {AutosaveContent | null} */
  let content = null;

  setAttribute(ref('article'), 'aria-label', label);
  setText(ref('date'), date === null ? 'Unknown time' : `${age(date)}`);
  if (date !== null) {
    setAttribute(ref('date'), 'datetime', date);
    setAttribute(ref('date'), 'title', new Date(date).toLocaleString());
  }
  setText(ref('branch'), branch);
  setText(ref('commit'), commit);
  setText(ref('summary'), 'Comparing with the commit of the launch …');
  for (const each of ['more', 'launch', 'delete'])
    setText(ref(`${each}Name`), `of ${date === null ? branch : `${branch}, ${age(date)}`}`);
  askBefore(
    ref('delete'),
    () => ({
      question: `Delete ${label}?`,
      content: [
        ...(content
          ? [`It has: ${contentSummary(content)}.`, groupList(shortened(contentGroups(content)))]
          : ['What is in it is not known.']),
        'It cannot be restored afterwards.',
      ],
      yes: 'Delete the autosave',
    }),
    () => void remove(),
  );

  async function remove() {
    showError(ref('error'), null);
    try {
      await deleteAutosave(project, name);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404) return showError(ref('error'), error);
    }
    onDeleted();
  }

  return {
    element,
    /** @param {{ obstacle: string | null, link: string, isRestored: boolean }} state */
    update({ obstacle, link, isRestored }) {
      setAttribute(ref('launch'), 'href', link);
      show(ref('launch'), obstacle === null);
      showText(ref('note'), isRestored ? null : obstacle);
      showText(ref('mark'), isRestored ? 'Restored in a running session' : null);
    },
    /** Loads what is in the autosave, once. @param {(project: string, name: string) => Promise<AutosaveContent>} get */
    async load(get) {
      if (content) return;
      try {
        content = await get(project, name);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return setText(ref('summary'), `What is in it could not be read: ${error.message}`);
      }
      const groups = contentGroups(content);
      setText(ref('summary'), `${contentSummary(content)}.`);
      ref('groups').replaceChildren(groupList(groups));
      show(ref('more'), groups.length > 0);
    },
  };
}
