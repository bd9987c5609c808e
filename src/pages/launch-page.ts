import { html, jsonScript, type Markup } from './html.ts';
import { icon } from './icons.ts';
import type { LaunchTarget } from './launch-target.ts';
import { confirmation, sharedTemplates } from './session-parts.ts';

/**
 * The page that launches (or finds) one session and watches it until it can be opened. The script does it with the
 * public API (assets/launch.js). `startAtOnce` is false when another site sent the browser here: opening an address
 * must not be enough to have something run in one's name.
 */
export function launchPage(target: LaunchTarget, options: { startAtOnce: boolean; root: string }): Markup {
  const { startAtOnce, root } = options;
  const { project, branch, commitSha } = target;
  return html`
<div class="launch" id="launch" data-phase="${startAtOnce ? 'asking' : 'consent'}">
  <p class="crumb">${project.pathWithNamespace}</p>
  <h1>${project.name}</h1>
  <p class="facts">
    <span class="fact">${icon('branch')}<span class="sr">Branch </span>${branch}</span>
    <span class="fact">${icon('commit')}<span class="sr">Commit </span><code>${commitSha.slice(0, 8)}</code></span>
  </p>

  <div class="card launch-card">
    <div class="launch-head">
      <h2 data-ref="headline" tabindex="-1">${startAtOnce ? 'Asking for a session' : 'Launch this project?'}</h2>
      <p class="quiet elapsed" data-ref="elapsed" aria-hidden="true"></p>
    </div>
    <div class="progress" data-ref="progress" aria-hidden="true" ${startAtOnce ? '' : 'hidden'}><span data-ref="progressFill"></span></div>
    <p data-ref="consent" ${startAtOnce ? 'hidden' : ''}>Another site brought you here. A session runs this project’s
      code in your name: launch it only if you meant to.</p>
    <p class="message" data-ref="message" hidden></p>
    <ul class="notes" data-ref="notes" hidden></ul>
    <ol class="steps" data-ref="steps" aria-label="Steps"></ol>
    <div data-ref="trouble"></div>
    <div class="actions" data-ref="actions">
      <button type="button" class="button primary" data-ref="start" ${startAtOnce ? 'hidden' : ''}>${icon('launch')}Launch</button>
      <a class="button primary" data-ref="open" hidden>Open JupyterLab ${icon('arrow')}</a>
      <button type="button" class="button primary" data-ref="retry" hidden>${icon('retry')}Try again</button>
      <button type="button" class="button primary" data-ref="again" hidden>${icon('retry')}Start again</button>
      <button type="button" class="button ghost" data-ref="logsToggle" aria-expanded="false" hidden>Logs ${icon('chevron')}</button>
      <span class="spring"></span>
      <button type="button" class="button ghost" data-ref="stop" hidden>${icon('stop')}Stop</button>
    </div>
    ${confirmation()}
    <div class="drawer" data-ref="logs" hidden></div>
  </div>
  <p class="quiet"><span data-ref="meanwhile" ${startAtOnce ? '' : 'hidden'}>It goes on if you leave this page.</span>
    <a href="${root}">Your sessions and projects</a></p>
</div>
${jsonScript('launch-data', {
  namespace: project.pathWithNamespace.split('/').slice(0, -1).join('/'),
  project: project.pathWithNamespace.split('/').at(-1),
  branch,
  commitSha,
  name: project.name,
  startAtOnce,
})}
${sharedTemplates()}`;
}
