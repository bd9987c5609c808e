import type { Identity } from '../identity/types.ts';
import { html, type Markup } from './html.ts';
import { icon } from './icons.ts';
import { kernelsButton, kernelsDrawer, kernelTemplates } from './session-kernels.ts';
import { failureReport, sharedTemplates } from './session-parts.ts';
import { syncPanel, syncTemplates } from './session-sync.ts';
import { changeButtons, savingStatus, workPanel } from './session-work.ts';

/** Returns the sessions page without its content, which the script loads from the public API (assets/sessions.js). */
export function sessionsPage(identity: Identity): Markup {
  const buttons = changeButtons();
  return html`
<h1 class="sr">Notebook Sessions</h1>
${
  identity.kind === 'anonymous' &&
  html`<p class="banner">${icon('user')}<span>You are not signed in. You can launch public projects, and only
    this browser can find their sessions.</span></p>`
}
<section class="block" aria-labelledby="sessions-title">
  <div class="block-head">
    <h2 id="sessions-title" tabindex="-1">Your sessions</h2>
    <p class="quiet" id="updated"></p>
    <div class="field search" id="filter-place" hidden>
      ${icon('search')}
      <input type="search" id="filter" aria-label="Find a session" placeholder="Find a session" autocomplete="off"
        maxlength="200">
    </div>
  </div>
  <div id="sessions-error"></div>
  <p class="notice" id="live-notice" hidden></p>
  <div id="launch-error"></div>
  <p class="loading" id="sessions-loading">Loading your sessions …</p>
  <div class="empty" id="sessions-empty" hidden>
    <p class="empty-title">No session yet</p>
    <p>Launch one from a project below. It opens JupyterLab on a fresh clone of the commit that you choose.</p>
  </div>
  <p class="empty" id="sessions-unmatched" hidden></p>
  <ul class="cards" id="sessions"></ul>
</section>

<section class="block" aria-labelledby="projects-title">
  <div class="block-head">
    <h2 id="projects-title">Projects</h2>
    <form role="search" class="field search" id="search-form">
      ${icon('search')}
      <label class="sr" for="search">Find a project</label>
      <input type="search" id="search" name="search" placeholder="Find a project" autocomplete="off" maxlength="200">
    </form>
  </div>
  <div id="projects-error"></div>
  <p class="loading" id="projects-loading">Loading projects …</p>
  <div class="empty" id="projects-empty" hidden>
    <p class="empty-title" id="projects-empty-title"></p>
    <p id="projects-empty-text"></p>
  </div>
  <ul class="rows" id="projects"></ul>
  <p class="more"><button type="button" class="button" id="projects-more" hidden>Show more projects</button></p>
</section>

<template id="session-template">
  <li class="card session">
    <article data-ref="article">
      <div class="session-head">
        <h3 data-ref="title" tabindex="-1"><span class="namespace" data-ref="namespace"></span><span
          data-ref="project"></span></h3>
        <p class="chip" data-ref="chip"><span class="dot"></span><span data-ref="state"></span></p>
      </div>
      <p class="facts">
        <span class="fact">${icon('branch')}<span class="sr">Branch </span><span data-ref="branch"></span></span>
        <span class="fact">${icon('commit')}<span class="sr">Commit </span><code data-ref="commit"></code></span>
        <span class="fact">${icon('clock')}<span class="sr">Started </span><time data-ref="started"></time></span>
      </p>
      ${failureReport()}
      <p class="notice" data-ref="notice" hidden></p>
      ${savingStatus()}
      <p class="newer" data-ref="newer" hidden>${icon('commit')}<span><span data-ref="newerText"></span>
        <a data-ref="newerLink">Launch it<span class="sr" data-ref="newerName"></span></a></span></p>
      <ul class="notes" data-ref="notes" hidden></ul>
      <ol class="steps inline" data-ref="steps" aria-label="Steps"></ol>
      <dl class="usage" data-ref="usage">
        ${usage('cpu', 'CPU')} ${usage('memory', 'Memory')} ${usage('storage', 'Disk')}
      </dl>
      ${workPanel()}
      ${syncPanel()}
      <div data-ref="error"></div>
      <div class="actions" data-ref="actions">
        ${buttons.resume}
        <a class="button primary" data-ref="open" target="_blank" rel="noopener" hidden>Open
          <span class="sr"> <span data-ref="openName"></span> (in a new tab)</span>${icon('arrow')}</a>
        <button type="button" class="button primary" data-ref="restart" hidden>${icon('retry')}Restart
          <span class="sr" data-ref="restartName"></span></button>
        <button type="button" class="button" data-ref="again" hidden>Launch again
          <span class="sr" data-ref="againName"></span></button>
        ${buttons.resize}
        <button type="button" class="button ghost" data-ref="detailsToggle" aria-expanded="false">Details
          <span class="sr" data-ref="detailsName"></span>${icon('chevron')}</button>
        <button type="button" class="button ghost" data-ref="logsToggle" aria-expanded="false">Logs
          <span class="sr" data-ref="logsName"></span>${icon('chevron')}</button>
        ${kernelsButton()}
        <span class="spring"></span>
        ${buttons.hibernate}
        <button type="button" class="button ghost" data-ref="stop">${icon('stop')}Stop
          <span class="sr" data-ref="stopName"></span></button>
      </div>
      <div class="drawer" data-ref="details" hidden>
        <dl class="details">
          <dt>Image</dt><dd><code data-ref="image"></code></dd>
          <dt>Repository</dt><dd><code data-ref="repository"></code></dd>
          <dt>Commit</dt><dd><code data-ref="fullCommit"></code></dd>
          <dt>Session</dt><dd><code data-ref="name"></code></dd>
          <dt>Launch link</dt><dd><a data-ref="launchLink"></a></dd>
          <dt data-ref="autosavesTerm">Saved work</dt><dd data-ref="autosavesPlace"><a data-ref="autosaves">Autosaves of this project</a></dd>
        </dl>
        <p><button type="button" class="button small" data-ref="copyLink">${icon('link')}<span data-copy-text>Copy launch link</span>
          <span class="sr" data-ref="copyName"></span></button></p>
      </div>
      <div class="drawer" data-ref="logs" hidden></div>
      ${kernelsDrawer()}
    </article>
  </li>
</template>

<template id="project-template">
  <li class="row project">
    <div class="project-text">
      <h3><span data-ref="name"></span><span class="badge" data-ref="visibility" hidden>${icon('lock')}<span
        data-ref="visibilityText"></span></span></h3>
      <p class="path" data-ref="path"></p>
      <p class="description" data-ref="description" hidden></p>
    </div>
    <div class="project-launch" data-ref="ways">
      <a class="button" data-ref="launch">${icon('launch')}Launch
        <span class="sr" data-ref="launchName"></span></a>
      <a class="button ghost" data-ref="options">Options
        <span class="sr" data-ref="optionsName"></span></a>
      <a class="button ghost" data-ref="autosaves" hidden>Autosaves
        <span class="sr" data-ref="autosavesName"></span></a>
    </div>
    <p class="quiet" data-ref="nothing" hidden>No commits yet</p>
  </li>
</template>
${kernelTemplates()}
${sharedTemplates()}
${syncTemplates()}`;
}

function usage(name: string, label: string): Markup {
  return html`<div class="gauge" data-ref="${name}" hidden>
          <dt>${label}</dt>
          <dd><span data-ref="${name}Text"></span><span class="bar" data-ref="${name}Bar" aria-hidden="true"><span
            data-ref="${name}Fill"></span></span></dd>
        </div>`;
}
