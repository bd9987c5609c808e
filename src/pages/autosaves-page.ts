import type { Identity } from '../identity/types.ts';
import type { GitLabProject } from '../platform/gitlab/types.ts';
import { html, jsonScript, type Markup } from './html.ts';
import { icon } from './icons.ts';
import { sharedTemplates } from './session-parts.ts';

/** Returns the page with the user's autosaves of a project, which the script loads from the public API (assets/autosaves.js). */
export function autosavesPage({ pathWithNamespace, name }: GitLabProject, identity: Identity, root: string): Markup {
  return html`
<p class="crumb">${pathWithNamespace}</p>
<h1 id="autosaves-title" tabindex="-1">Autosaves of ${name}</h1>
<p class="lead quiet">An autosave has the work of a session that was not pushed. A new session of the same branch and commit
  restores the newest one. The service deletes autosaves of commits that newer sessions of the branch contain.</p>
${
  identity.kind === 'anonymous' &&
  html`<p class="banner">${icon('user')}<span>You are not signed in. The work of your sessions cannot be saved, so you have
    no autosaves.</span></p>`
}
<section class="block" aria-labelledby="autosaves-title">
  <div id="autosaves-error"></div>
  <p class="loading" id="autosaves-loading">Loading your autosaves …</p>
  <div class="empty" id="autosaves-empty" hidden>
    <p class="empty-title">No autosaves</p>
    <p>A session with work that was not pushed leaves an autosave when it ends, unless it cannot save or is deleted without a save.</p>
  </div>
  <ul class="rows" id="autosaves"></ul>
  <p class="more"><button type="button" class="button" id="autosaves-more" hidden>Show older autosaves</button></p>
</section>
<p class="back"><a href="${root}">Your sessions and projects</a></p>

<template id="autosave-template">
  <li class="row autosave">
    <article data-ref="article">
      <div class="work-head">
        <h2 class="autosave-title"><time data-ref="date"></time></h2>
        <p class="chip" data-ref="mark" hidden></p>
      </div>
      <p class="facts">
        <span class="fact">${icon('branch')}<span class="sr">Branch </span><span data-ref="branch"></span></span>
        <span class="fact">${icon('commit')}<span class="sr">Commit of the launch </span><code data-ref="commit"></code></span>
      </p>
      <p data-ref="summary"></p>
      <details class="work-more" data-ref="more" hidden>
        <summary>Files and commits <span class="sr" data-ref="moreName"></span></summary>
        <div data-ref="groups"></div>
      </details>
      <p class="quiet" data-ref="note" hidden></p>
      <div data-ref="error"></div>
      <div class="actions">
        <a class="button" data-ref="launch">${icon('launch')}Launch from this autosave <span class="sr" data-ref="launchName"></span></a>
        <span class="spring"></span>
        <button type="button" class="button ghost" data-ref="delete">Delete <span class="sr" data-ref="deleteName"></span></button>
      </div>
    </article>
  </li>
</template>
${jsonScript('autosaves-data', { project: pathWithNamespace })}
${sharedTemplates()}`;
}
