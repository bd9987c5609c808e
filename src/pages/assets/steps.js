// @ts-check
import { fromTemplate, reconcile, refsOf, setAttribute, setText, show } from './dom.js';

const words = { ready: 'done', waiting: 'waiting', executing: 'in progress', failed: 'failed' };

/**
 * A list of steps that is kept up to date in place.
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
        setText(ref('status'), `: ${words[step.status] ?? step.status}`);
      },
    );
    show(list, steps.length > 0);
  };
}

/**
 * Warnings of a session, in place.
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
