import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

/** Returns the elements for the synchronized folders of a running session (assets/sync-panel.js). */
export function syncPanel(): Markup {
  return html`<section class="sync" data-ref="sync" aria-label="Synchronized folders" hidden>
      <ul class="sync-folders" data-ref="syncFolders"></ul>
      <ul class="sync-folders" data-ref="syncUnusable"></ul>
      <div data-ref="syncFormPlace"></div>
      <p data-ref="syncAddPlace"><button type="button" class="button small" data-ref="syncAdd">Synchronize a folder<span
        class="sr" data-ref="syncAddName"></span></button></p>
      <div data-ref="syncError"></div>
    </section>`;
}

/** Returns the templates of a folder, of a conflict and of the form (assets/sync-folder-view.js, sync-form.js). */
export function syncTemplates(): Markup {
  const name = (ref: string) => html`<span class="sr" data-ref="${ref}"></span>`;
  return html`
<template id="sync-folder-template">
  <li class="sync-folder">
    <div class="work-head">
      <p class="work-summary">${icon('warning')}${icon('check')}<span data-ref="summary"></span></p>
      <button type="button" class="button small" data-ref="now">Synchronize${name('nowName')}</button>
      <button type="button" class="button small danger" data-ref="confirm" hidden></button>
    </div>
    <p class="quiet" data-ref="note" hidden></p>
    <ul class="sync-conflicts" data-ref="conflicts" hidden></ul>
    <p class="quiet" data-ref="more" hidden></p>
    <details class="work-more"><summary>Earlier versions${name('versionsName')}</summary>
      <p>Versions that were replaced or deleted stay for <span data-ref="backupTime"></span>, each at its path in a folder with the time:</p>
      <ul><li>those of the session in <code data-ref="backupHere"></code> (open a terminal in the session)</li>
        <li>those of the server in the folder <code data-ref="backupThere"></code> there, which some programs hide</li></ul>
      <p>To get one back, copy it into the folder under another name.</p>
    </details>
    <div data-ref="formPlace"></div>
    <div class="actions">
      <button type="button" class="button small" data-ref="change">Change${name('changeName')}</button>
      <button type="button" class="button small" data-ref="pause"><span data-ref="pauseText"></span>${name('pauseName')}</button>
      <button type="button" class="button small" data-ref="remove">End${name('removeName')}</button>
    </div>
  </li>
</template>
<template id="sync-unusable-template">
  <li class="sync-folder" data-work="not-saved">
    <p class="work-summary">${icon('warning')}${icon('check')}<span data-ref="text"></span></p>
    <div class="actions"><button type="button" class="button small" data-ref="remove">Remove${name('removeName')}</button></div>
  </li>
</template>
<template id="sync-conflict-template">
  <li class="sync-conflict">
    <p data-ref="text"></p>
    <div class="actions">
      <button type="button" class="button small" data-ref="keep-both">Keep both${name('bothName')}</button>
      <button type="button" class="button small" data-ref="mine">Keep mine${name('mineName')}</button>
      <button type="button" class="button small" data-ref="theirs">Keep theirs${name('theirsName')}</button>
    </div>
  </li>
</template>
<template id="sync-form-template">
  <form class="sync-form" autocomplete="off">
    <p class="quiet" data-ref="intro"></p>
    <div class="options" data-ref="fields"></div>
    <div data-ref="error"></div>
    <div class="actions">
      <button type="submit" class="button small primary" data-ref="save"></button>
      <button type="button" class="button small" data-ref="cancel">Cancel</button>
    </div>
  </form>
</template>
<template id="sync-field-template">
  <div class="option">
    <label data-ref="label"></label>
    <p class="quiet" data-ref="help"></p>
  </div>
</template>`;
}
