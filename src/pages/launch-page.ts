import { html, jsonScript, type Markup } from './html.ts';
import { icon } from './icons.ts';
import { launchForm } from './launch-form.ts';
import type { ChosenOptions } from './launch-options.ts';
import type { LaunchTarget } from './launch-target.ts';
import { failureReport, sharedTemplates } from './session-parts.ts';
import { changeButtons, savingStatus, workPanel } from './session-work.ts';

/**
 * The first action of the page: launch the session, ask for consent, or show the options. The page asks for consent if the
 * user followed a link on another site, because a link alone must not run code with the user's permissions.
 */
export type FirstAction = 'launch' | 'consent' | 'configure';

const headlines: Record<FirstAction, string> = {
  launch: 'Requesting a session',
  consent: 'Launch this project?',
  configure: 'Launch with options',
};

/** Returns the page that launches a session, or finds an existing session, and opens the session (assets/launch.js). */
export function launchPage(
  target: LaunchTarget,
  { begin, options, root }: { begin: FirstAction; options: ChosenOptions; root: string },
): Markup {
  const { project, branch, commitSha } = target;
  const starts = begin === 'launch';
  const buttons = changeButtons();
  return html`
<div class="launch" id="launch" data-phase="${starts ? 'requesting' : begin}">
  <p class="crumb">${project.pathWithNamespace}</p>
  <h1>${project.name}</h1>
  <p class="facts" data-ref="facts" ${begin === 'configure' ? 'hidden' : ''}>
    <span class="fact">${icon('branch')}<span class="sr">Branch </span><span data-ref="branchName">${branch}</span></span>
    <span class="fact">${icon('commit')}<span class="sr">Commit </span><code data-ref="commitName">${commitSha.slice(0, 8)}</code></span>
  </p>

  <div class="card launch-card">
    <div class="launch-head">
      <h2 data-ref="headline" tabindex="-1">${headlines[begin]}</h2>
      <p class="quiet elapsed" data-ref="elapsed" aria-hidden="true"></p>
    </div>
    <div class="progress" data-ref="progress" aria-hidden="true" ${starts ? '' : 'hidden'}><span data-ref="progressFill"></span></div>
    <p data-ref="consent" ${begin === 'consent' ? '' : 'hidden'}>You came here from another site. A session runs the code of
      this project with your permissions: launch it only if you intended to.</p>
    ${launchForm({ isOpen: begin === 'configure' })}
    ${failureReport()}
    <p class="notice" data-ref="notice" hidden></p>
    ${savingStatus()}
    <p class="notice" data-ref="live" hidden></p>
    <ul class="notes" data-ref="notes" hidden></ul>
    <ol class="steps" data-ref="steps" aria-label="Steps"></ol>
    ${workPanel()}
    <div data-ref="error"></div>
    <div class="actions" data-ref="actions">
      ${buttons.resume}
      <button type="button" class="button primary" data-ref="start" ${starts ? 'hidden' : ''}>${icon('launch')}Launch</button>
      <button type="button" class="button" data-ref="options" ${begin === 'consent' ? '' : 'hidden'}>Options</button>
      <a class="button primary" data-ref="open" hidden>Open JupyterLab ${icon('arrow')}</a>
      <button type="button" class="button primary" data-ref="retry" hidden>${icon('retry')}Try again</button>
      <button type="button" class="button primary" data-ref="restart" hidden>${icon('retry')}Restart</button>
      <button type="button" class="button" data-ref="again" hidden>Launch again</button>
      ${buttons.resize}
      <button type="button" class="button ghost" data-ref="logsToggle" aria-expanded="false" hidden>Logs ${icon('chevron')}</button>
      <span class="spring"></span>
      <button type="button" class="button ghost" data-ref="copyLink" ${begin === 'configure' ? '' : 'hidden'}>${icon('link')}<span data-copy-text>Copy launch link</span></button>
      ${buttons.hibernate}
      <button type="button" class="button ghost" data-ref="stop" hidden>${icon('stop')}Stop</button>
    </div>
    <div class="drawer" data-ref="logs" hidden></div>
  </div>
  <p class="quiet"><span data-ref="meanwhile" ${starts ? '' : 'hidden'}>The launch continues if you leave this page.</span>
    <a href="${root}">Your sessions and projects</a>
    <a href="${root}projects/${encodeURIComponent(project.pathWithNamespace)}/autosaves">Autosaves of this project</a></p>
</div>
${jsonScript('launch-data', {
  namespace: project.pathWithNamespace.split('/').slice(0, -1).join('/'),
  project: project.pathWithNamespace.split('/').at(-1),
  branch,
  commitSha,
  name: project.name,
  begin,
  options,
})}
${sharedTemplates()}`;
}
