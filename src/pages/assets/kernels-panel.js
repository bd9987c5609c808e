// @ts-check
import { reconcile, setAttribute, setText, show, showText } from './dom.js';
import { showError } from './error-message.js';
import { kernelView } from './kernel-view.js';
import { listKernels } from './kernels-api.js';
import { poll } from './poll.js';

/** Time between two reads while the kernels are shown and the page is visible. */
const everyMs = 5_000;

/**
 * Shows the kernels of a running session and their snapshots while they are open.
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With kernels, kernelsToggle, kernelsNote, kernelList, kernelsError.
 * @param {() => string} nameOf Returns the name of the session.
 */
export function kernelsIn(ref, nameOf) {
  /** @type {ReturnType<typeof poll> | null} */
  let reading = null;
  /** @type {Map<string, ReturnType<typeof kernelView>>} */
  const views = new Map();

  async function step() {
    const { unavailable, kernels } = await listKernels(nameOf());
    if (!reading) return null;
    showError(ref('kernelsError'), null);
    const text = unavailable ? unavailable.message : kernels.length === 0 ? 'No kernel runs.' : null;
    showText(ref('kernelsNote'), text);
    reconcile(
      ref('kernelList'),
      views,
      kernels,
      ({ id }) => id,
      (kernel) => kernelView(kernel, nameOf, () => reading?.now()),
      (view, kernel) => view.update(kernel),
    );
    await Promise.all([...views.values()].map((view) => view.read()));
    return everyMs;
  }

  /** @param {boolean} open */
  function toggle(open) {
    show(ref('kernels'), open);
    setAttribute(ref('kernelsToggle'), 'aria-expanded', String(open));
    reading?.stop();
    reading = null;
    if (!open) for (const view of views.values()) view.close();
    if (open) {
      setText(ref('kernelsNote'), 'Loading the kernels …');
      show(ref('kernelsNote'), views.size === 0);
      reading = poll(step, (error) => showError(ref('kernelsError'), error));
    }
  }

  ref('kernelsToggle').addEventListener('click', () => toggle(reading === null));

  return {
    /** @param {boolean} isRunning Whether the session runs. */
    update(isRunning) {
      show(ref('kernelsToggle'), isRunning);
      if (!isRunning && reading) toggle(false);
    },
    close: () => toggle(false),
  };
}
