// @ts-check
import { autosavesLink, isSignedIn, launchLink, listProjects } from './api.js';
import { byId, fromTemplate, reconcile, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { showError } from './error-message.js';
import { poll } from './poll.js';

/** @typedef {import('./api.js').Project} Project */

const pageSize = 50;
/** Delay after the last key press before the search begins. */
const typingMs = 250;

/** Shows the projects that the user can launch, page by page, with a search. */
export function showProjects() {
  /** @type {Map<string, ReturnType<typeof projectRow>>} */
  const rows = new Map();
  const input = /** @type {HTMLInputElement} */ (byId('search'));
  /** @type {Project[]} */
  let projects = [];
  let page = 1;
  let search = '';
  /** @type {ReturnType<typeof poll> | null} */
  let loading = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;

  /** @param {number} wanted */
  function load(wanted) {
    loading?.stop();
    const searched = search;
    loading = poll(
      async () => {
        const found = await listProjects(searched, wanted);
        if (searched !== search) return null;
        projects = wanted === 1 ? found : [...projects, ...found];
        page = wanted;
        showError(byId('projects-error'), null);
        render(found.length === pageSize);
        return null;
      },
      (error) => {
        show(byId('projects-loading'), false);
        if (searched === search) showError(byId('projects-error'), error);
      },
    );
  }

  /** @param {boolean} more */
  function render(more) {
    // A project with activity between two requests may be on both pages.
    const unique = [...new Map(projects.map((project) => [project.id, project])).values()];
    reconcile(
      byId('projects'),
      rows,
      unique,
      (project) => String(project.id),
      () => projectRow(),
      (row, project) => row.update(project),
    );
    show(byId('projects-loading'), false);
    show(byId('projects-more'), more);
    show(byId('projects-empty'), unique.length === 0);
    setText(byId('projects-empty-title'), search ? `No project matches “${search}”` : 'No project yet');
    setText(
      byId('projects-empty-text'),
      search ? 'Search for a part of its name.' : 'Projects that you can see on the git server appear here.',
    );
  }

  function startSearch() {
    clearTimeout(typing);
    const wanted = input.value.trim();
    if (wanted === search) return;
    search = wanted;
    load(1);
  }

  input.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(startSearch, typingMs);
  });
  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    startSearch();
  });
  byId('projects-more').addEventListener('click', () => load(page + 1));
  load(1);
}

function projectRow() {
  const element = fromTemplate('project-template');
  const ref = refsOf(element);
  return {
    element,
    /** @param {Project} project */
    update(project) {
      const segments = project.path.split('/');
      const parts = { project: segments.pop() ?? '', namespace: segments.join('/') };
      setAttribute(ref('launch'), 'href', launchLink(parts, {}).href);
      setAttribute(ref('options'), 'href', launchLink(parts, { configure: 'true' }).href);
      setText(ref('name'), project.name);
      setText(ref('path'), project.path);
      showText(ref('description'), project.description);
      show(ref('visibility'), project.visibility !== 'public');
      setText(ref('visibilityText'), project.visibility);
      setText(ref('launchName'), project.path);
      setText(ref('optionsName'), `for launching ${project.path}`);
      setAttribute(ref('autosaves'), 'href', autosavesLink(project.path).href);
      setText(ref('autosavesName'), `of ${project.path}`);
      show(ref('autosaves'), isSignedIn());
      show(ref('ways'), project.default_branch !== null);
      show(ref('nothing'), project.default_branch === null);
    },
  };
}
