import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

/** Returns the elements for the work of a running session (assets/work-panel.js, assets/save-operation.js). */
export function workPanel(): Markup {
  return html`<section class="work" data-ref="work" aria-label="Work that is not saved" hidden>
      <div class="work-head">
        <p class="work-summary">${icon('warning')}${icon('check')}<span data-ref="workSummary"></span></p>
        <button type="button" class="button small" data-ref="save" hidden>Save<span class="sr" data-ref="saveName"></span></button>
      </div>
      <p class="quiet" data-ref="workRecovered" hidden></p>
      <details class="work-more" data-ref="workMore" hidden>
        <summary>Files and commits<span class="sr" data-ref="workName"></span></summary>
        <div data-ref="workGroups"></div>
        <div class="quiet" data-ref="workNotes"></div>
      </details>
      <div class="save-progress" data-ref="saveProgress" hidden>
        <p data-ref="saveStep"></p>
        <progress data-ref="saveBar" aria-label="Progress of the save"></progress>
        <button type="button" class="button small" data-ref="saveCancel">Cancel<span class="sr"> the save</span></button>
      </div>
      <div class="save-result" data-ref="saveResult" tabindex="-1" hidden>
        <p class="save-title" data-ref="saveTitle"></p>
        <div data-ref="saveTexts"></div>
        <div data-ref="saveGroups"></div>
      </div>
      <div data-ref="saveError"></div>
    </section>`;
}

/** Returns the elements for the save before the end of a session (assets/saving-status.js, assets/session-changes.js). */
export function savingStatus(): Markup {
  return html`<section class="saving" data-ref="saving" aria-label="Save before the end of the session" hidden>
      <p class="saving-title" data-ref="savingTitle"></p>
      <p data-ref="savingText"></p>
      <p data-ref="savingUntil" hidden></p>
      <progress data-ref="savingBar" aria-label="Progress of the save"></progress>
      <div class="actions">
        <button type="button" class="button small" data-ref="saveAgain" hidden>${icon('retry')}Try to save again</button>
        <button type="button" class="button small" data-ref="keepRunning" hidden>Cancel the hibernation</button>
        <button type="button" class="button small" data-ref="hibernateAnyway" hidden>Hibernate without saving</button>
        <button type="button" class="button small danger" data-ref="discard" hidden>Delete without saving</button>
      </div>
    </section>`;
}

/** Returns the buttons that hibernate and resume a session and change its size (assets/session-changes.js). */
export function changeButtons(): { resume: Markup; resize: Markup; hibernate: Markup } {
  const name = (ref: string) => html`<span class="sr" data-ref="${ref}"></span>`;
  return {
    resume: html`<button type="button" class="button primary" data-ref="resume" hidden>${icon('launch')}Resume ${name('resumeName')}</button>`,
    resize: html`<button type="button" class="button" data-ref="resize" hidden>Size ${name('resizeName')}</button>`,
    hibernate: html`<button type="button" class="button ghost" data-ref="hibernate" hidden>Hibernate ${name('hibernateName')}</button>`,
  };
}
