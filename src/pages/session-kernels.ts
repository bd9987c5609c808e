import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

/** Returns the button that shows the kernels of a session (assets/kernels-panel.js). */
export function kernelsButton(): Markup {
  return html`<button type="button" class="button ghost" data-ref="kernelsToggle" aria-expanded="false" hidden>Kernels
          <span class="sr" data-ref="kernelsName"></span>${icon('chevron')}</button>`;
}

/** Returns the elements for the kernels of a running session and their snapshots. */
export function kernelsDrawer(): Markup {
  return html`<div class="drawer" data-ref="kernels" hidden>
        <p class="quiet" data-ref="kernelsNote" hidden></p>
        <ul class="kernels" data-ref="kernelList" aria-label="Kernels"></ul>
        <div data-ref="kernelsError"></div>
      </div>`;
}

/** Returns the templates of a kernel and of a snapshot (assets/kernel-view.js). */
export function kernelTemplates(): Markup {
  return html`
<template id="kernel-template">
  <li class="kernel">
    <div class="kernel-head">
      <p class="kernel-title"><strong data-ref="title"></strong> <span class="quiet" data-ref="facts"></span></p>
      <label class="check"><input type="checkbox" data-ref="automatic"><span>Snapshot after each cell<span class="sr"
        data-ref="automaticName"></span></span></label>
      <button type="button" class="button small" data-ref="take">Take a snapshot<span class="sr" data-ref="takeName"></span></button>
    </div>
    <p class="quiet" data-ref="note" hidden></p>
    <div class="save-progress" data-ref="progress" hidden>
      <p data-ref="step"></p>
      <button type="button" class="button small" data-ref="cancel">Cancel<span class="sr"> the operation</span></button>
    </div>
    <p data-ref="result" tabindex="-1" hidden></p>
    <ol class="snapshots" data-ref="snapshots" aria-label="Snapshots, the newest first"></ol>
    <div data-ref="error"></div>
  </li>
</template>
<template id="snapshot-template">
  <li class="snapshot">
    <p class="snapshot-text"><time data-ref="time"></time> <span data-ref="label"></span> <span class="quiet" data-ref="facts"></span></p>
    <button type="button" class="button small" data-ref="restore">Restore<span class="sr" data-ref="restoreName"></span></button>
    <button type="button" class="button small" data-ref="remove">Delete<span class="sr" data-ref="removeName"></span></button>
  </li>
</template>`;
}
