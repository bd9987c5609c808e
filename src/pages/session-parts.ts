import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';

/** Returns the templates that both pages clone. The scripts set only their `textContent`. */
export function sharedTemplates(): Markup {
  return html`
<template id="step-template">
  <li class="step" data-status="waiting">
    <span class="step-mark">${icon('check')}${icon('cross')}</span>
    <span data-ref="label"></span>
    <span class="sr" data-ref="status"></span>
  </li>
</template>
<template id="note-template">
  <li class="note">${icon('warning')}<span data-ref="text"></span></li>
</template>
<template id="error-template">
  <div class="error" role="alert">
    ${icon('warning')}
    <div class="error-text">
      <p class="error-message" data-ref="message"></p>
      <p data-ref="detail"></p>
      <ul class="error-fields" data-ref="fields"></ul>
      <p class="error-id" data-ref="request">Request <code data-ref="requestId"></code></p>
    </div>
  </div>
</template>
<template id="logs-template">
  <div class="logs">
    <fieldset class="segments" data-ref="containers"><legend class="sr">Logs of</legend></fieldset>
    <p class="quiet" data-ref="empty">Nothing has been written yet.</p>
    <div data-ref="error"></div>
    <pre class="log" data-ref="text" tabindex="0" role="region" aria-label="Log" hidden></pre>
  </div>
</template>
<template id="value-template">
  <label class="option"><span data-ref="label"></span><input type="text" data-ref="input" maxlength="32768"
    autocomplete="off" autocapitalize="off" spellcheck="false"></label>
</template>
<template id="class-template">
  <label class="size"><input type="radio" name="class" data-ref="input"><span class="size-name" data-ref="name"></span><span
    class="quiet" data-ref="amounts"></span></label>
</template>
${question()}
<template id="segment-template">
  <label class="segment"><input type="radio" data-ref="input"><span data-ref="label"></span></label>
</template>`;
}

/** Returns the dialog for questions (assets/confirm.js). The first button cancels, and gets the focus. */
function question(): Markup {
  return html`<dialog class="dialog" id="question" aria-labelledby="question-title" aria-describedby="question-content">
    <h2 id="question-title" data-ref="title"></h2>
    <div class="dialog-body" data-ref="body">
      <div class="dialog-content" id="question-content" data-ref="content"></div>
      <div class="confirm-values" data-ref="values" hidden></div>
    </div>
    <div class="actions">
      <button type="button" class="button" data-ref="no"></button>
      <button type="button" class="button danger" data-ref="yes"></button>
    </div>
  </dialog>`;
}

/** Returns the elements for a failure: the service's message and an excerpt of the log (assets/failure-report.js). */
export function failureReport(): Markup {
  return html`<div class="failure" data-ref="failure" hidden>
      <p class="message" data-ref="message"></p>
      <figure class="excerpt" data-ref="excerpt" hidden>
        <figcaption class="quiet" data-ref="excerptTitle"></figcaption>
        <pre class="log" data-ref="excerptText" tabindex="0" role="region" aria-label="Lines of the log"></pre>
      </figure>
      <p class="quiet" data-ref="excerptError" hidden></p>
    </div>`;
}
