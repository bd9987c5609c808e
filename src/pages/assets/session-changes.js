// @ts-check
import { ApiError, changeSession, getSession, listResourceClasses, stopSession } from './api.js';
import { ask, askBefore } from './confirm.js';
import { fromTemplate, refsOf, setText } from './dom.js';
import { discardQuestion } from './end-questions.js';
import { amounts } from './format.js';

/** @typedef {import('./api.js').Session} Session */
/** @typedef {'stopping' | 'resuming' | 'hibernating' | 'changing'} Change */

/**
 * Connects the buttons that hibernate and resume a session, change its resource class, and end a save before its end.
 * @param {ReturnType<typeof refsOf>} ref With hibernate, resume, resize, saveAgain, keepRunning, discard, hibernateAnyway.
 * @param {() => Session} sessionOf
 * @param {() => string} labelOf
 * @param {(what: Change, action: () => Promise<Session | undefined>) => Promise<void>} change Sends the request, and shows
 *   its effect or its error.
 * @param {(error: ApiError) => void} onError
 */
export function sessionChanges(ref, sessionOf, labelOf, change, onError) {
  const name = () => sessionOf().name;

  async function hibernate() {
    try {
      return await changeSession(name(), { state: 'hibernated' });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      // With the reason in its status, the page shows the failure of the save and the choices.
      const session = await getSession(name());
      if (session.status.saving?.failure) return session;
      throw error;
    }
  }

  async function resize() {
    let classes;
    try {
      classes = await listResourceClasses();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return onError(error);
    }
    const current = sessionOf().launch?.resource_class_id;
    const list = document.createElement('div');
    list.className = 'sizes';
    list.append(
      ...classes.map((each) => {
        const element = fromTemplate('class-template');
        const size = refsOf(element);
        const radio = /** @type {HTMLInputElement} */ (size('input'));
        radio.value = String(each.id);
        radio.checked = each.id === current;
        setText(size('name'), each.id === current ? `${each.name} (now)` : each.name);
        setText(size('amounts'), amounts(each));
        return element;
      }),
    );
    const answer = await ask({
      question: `Size of ${labelOf()}`,
      content: [
        'The session has the new size when it starts the next time. Its files and its disk do not change.',
        list,
      ],
      yes: 'Change the size',
      no: 'Cancel',
      isHarmless: true,
    });
    const chosen = Number(list.querySelector('input:checked')?.getAttribute('value'));
    if (answer && chosen > 0 && chosen !== current)
      await change('changing', () => changeSession(name(), { resource_class_id: chosen }));
  }

  ref('hibernate').addEventListener('click', () => void change('hibernating', hibernate));
  ref('resume').addEventListener(
    'click',
    () => void change('resuming', () => changeSession(name(), { state: 'running' })),
  );
  ref('resize').addEventListener('click', () => void resize());
  ref('keepRunning').addEventListener(
    'click',
    () => void change('changing', () => changeSession(name(), { state: 'running' })),
  );
  ref('saveAgain').addEventListener('click', () => {
    const isDeletion = sessionOf().status.saving?.action === 'delete';
    if (isDeletion) void change('stopping', () => stopSession(name(), { save: true }));
    else void change('hibernating', hibernate);
  });
  askBefore(
    ref('hibernateAnyway'),
    () => ({
      question: `Hibernate ${labelOf()} without saving?`,
      content: [
        `The work could not be saved: ${sessionOf().status.saving?.failure?.message ?? ''}`,
        'Its files stay on its volume, and are there when you resume it.',
      ],
      yes: 'Hibernate',
      isHarmless: true,
    }),
    () => void change('hibernating', () => changeSession(name(), { state: 'hibernated', force: true })),
  );
  askBefore(
    ref('discard'),
    () => discardQuestion(sessionOf(), labelOf()),
    () => void change('stopping', () => stopSession(name(), { save: false })),
  );
}
