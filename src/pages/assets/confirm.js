// @ts-check
import { show } from './dom.js';

/**
 * "Stop" asks in place. Focus goes to the question and back, Escape means no.
 *
 * @param {ReturnType<typeof import('./dom.js').refsOf>} ref With stop, actions, confirm, confirmYes, confirmNo.
 * @param {() => void} onYes
 */
export function confirmStop(ref, onYes) {
  /** @param {boolean} asking */
  function ask(asking) {
    show(ref('confirm'), asking);
    show(ref('actions'), !asking);
  }
  function no() {
    ask(false);
    ref('stop').focus();
  }
  ref('stop').addEventListener('click', () => {
    ask(true);
    ref('confirmYes').focus();
  });
  ref('confirmNo').addEventListener('click', no);
  ref('confirm').addEventListener('keydown', (event) => {
    if (event.key === 'Escape') no();
  });
  ref('confirmYes').addEventListener('click', () => {
    ask(false);
    onYes();
  });
}
