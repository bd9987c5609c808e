// @ts-check
import { fromTemplate, reconcile, refsOf, setAttribute, setText, show } from './dom.js';

const statusTexts = { ready: 'done', waiting: 'waiting', executing: 'in progress', failed: 'failed' };

/**
 * Returns a function that shows the steps of a session in `list`.
 * @param {HTMLElement} list
 */
export function stepsIn(list) {
  /** @type {Map<string, { element: HTMLElement, ref: ReturnType<typeof refsOf> }>} */
  const views = new Map();
  return (/** @type {import('./api.js').Step[]} */ steps) => {
    reconcile(
      list,
      views,
      steps,
      (step) => step.step,
      () => {
        const element = fromTemplate('step-template');
        return { element, ref: refsOf(element) };
      },
      ({ element, ref }, step) => {
        setAttribute(element, 'data-status', step.status);
        setText(ref('label'), step.step);
        setText(ref('status'), `: ${statusTexts[step.status] ?? step.status}`);
      },
    );
    show(list, steps.length > 0);
  };
}

/**
 * Returns a function that shows the warnings of a session in `list`.
 * @param {HTMLElement} list
 */
export function notesIn(list) {
  /** @type {Map<string, { element: HTMLElement, ref: ReturnType<typeof refsOf> }>} */
  const views = new Map();
  return (/** @type {import('./api.js').Warning[]} */ warnings) => {
    reconcile(
      list,
      views,
      warnings,
      (_warning, index) => String(index),
      () => {
        const element = fromTemplate('note-template');
        return { element, ref: refsOf(element) };
      },
      ({ element, ref }, warning) => {
        setAttribute(element, 'data-critical', warning.critical ? 'true' : null);
        setText(ref('text'), warning.message);
      },
    );
    show(list, warnings.length > 0);
  };
}
