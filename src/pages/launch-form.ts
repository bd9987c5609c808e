import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

/** Returns the form with the options of a launch. assets/launch-form.js loads the choices from the public API. */
export function launchForm({ isOpen }: { isOpen: boolean }): Markup {
  return html`
<form class="options" data-ref="form" ${isOpen ? '' : 'hidden'}>
  <div class="option">
    <label for="option-branch">Branch</label>
    <div class="option-pair" data-ref="branchSearchPlace" hidden>
      <div class="field">${icon('search')}<input type="search" data-ref="branchSearch" aria-label="Find a branch"
        placeholder="Find a branch" maxlength="200" autocomplete="off" spellcheck="false"></div>
    </div>
    <div class="select">${icon('branch')}<select id="option-branch" data-ref="branch"></select>${icon('chevron')}</div>
  </div>
  <div class="option">
    <label for="option-commit">Commit</label>
    <div class="select">${icon('commit')}<select id="option-commit" data-ref="commit"></select>${icon('chevron')}</div>
    <p class="quiet" data-ref="refError" role="status"></p>
    <p><button type="button" class="button small" data-ref="olderCommits" hidden>Show older commits</button></p>
  </div>
  <fieldset class="option" data-ref="sizes" hidden>
    <legend>Size</legend>
    <div class="sizes" data-ref="sizeList"></div>
  </fieldset>
  <div class="option">
    <label for="option-storage">Disk in GB</label>
    <input type="number" id="option-storage" data-ref="storage" min="1" step="1" inputmode="numeric" autocomplete="off"
      aria-describedby="option-storage-help">
    <p class="quiet" id="option-storage-help" data-ref="storageHelp"></p>
  </div>
  <div class="option">
    <label for="option-url">Open with</label>
    <input type="text" id="option-url" data-ref="defaultUrl" list="option-urls" maxlength="1024" autocomplete="off"
      autocapitalize="off" spellcheck="false" aria-describedby="option-url-help">
    <datalist id="option-urls" data-ref="defaultUrls"></datalist>
    <p class="quiet" id="option-url-help">A path such as /lab or /lab/tree/notebook.ipynb.</p>
  </div>
  <div class="option wide">
    <label for="option-image">Image</label>
    <input type="text" id="option-image" data-ref="image" maxlength="1024" autocomplete="off" autocapitalize="off"
      spellcheck="false" placeholder="The project’s image, or the platform’s default" aria-describedby="option-image-help">
    <p class="quiet" id="option-image-help">A name such as registry.example.org/group/project:tag.</p>
  </div>
  <div class="option wide">
    <label class="check"><input type="checkbox" data-ref="lfs"><span>Fetch all Git LFS files at the start</span></label>
  </div>
  <fieldset class="option wide">
    <legend>Environment variables</legend>
    <ul class="variables" data-ref="variables"></ul>
    <p><button type="button" class="button small" data-ref="addVariable">Add a variable</button></p>
  </fieldset>
</form>
<template id="size-template">
  <label class="size"><input type="radio" name="size" data-ref="input"><span class="size-name" data-ref="name"></span><span
    class="quiet" data-ref="amounts"></span></label>
</template>
<template id="variable-template">
  <li class="variable">
    <input type="text" data-ref="name" aria-label="Name" placeholder="NAME" maxlength="249" autocomplete="off"
      autocapitalize="off" spellcheck="false">
    <input type="text" data-ref="value" aria-label="Value" placeholder="value" maxlength="32768" autocomplete="off"
      autocapitalize="off" spellcheck="false">
    <button type="button" class="button ghost" data-ref="remove">${icon('cross')}<span class="sr"
      data-ref="removeName">Remove this variable</span></button>
  </li>
</template>`;
}
