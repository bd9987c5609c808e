// @ts-check
import { launchLink, listProjects } from './api.js';
import { byId, fromTemplate, reconcile, refsOf, setAttribute, setText, show, showText } from './dom.js';
import { poll } from './poll.js';
import { showTrouble } from './trouble.js';

/** @typedef {import('./api.js').Project} Project */

const pageSize = 50;
/** How long the typing must rest before the question is asked. */
const typingMs = 250;

/** The projects that one may launch, with a search; from the service, page by page. */
export function showProjects() {
  /** @type {Map<string, ReturnType<typeof projectRow>>} */
  const rows = new Map();
  const input = /** @type {HTMLInputElement} */ (byId('search'));
  /** @type {Project[]} */
  let projects = [];
  let page = 1;
  let search = '';
  /** @type {ReturnType<typeof poll> | null} */
  let asking = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;

  /** @param {number} wanted */
  function load(wanted) {
    asking?.stop();
    const question = search;
    asking = poll(
      async () => {
        const found = await listProjects(question, wanted);
        if (question !== search) return null;
        projects = wanted === 1 ? found : [...projects, ...found];
        page = wanted;
        showTrouble(byId('projects-trouble'), null);
        render(found.length === pageSize);
        return null;
      },
      (trouble) => {
        show(byId('projects-loading'), false);
        if (question === search) showTrouble(byId('projects-trouble'), trouble);
      },
    );
  }

  /** @param {boolean} more */
  function render(more) {
    // A project that became active between two pages is on both.
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
      search ? 'Look for a part of its name.' : 'Projects that you can see on the git server appear here.',
    );
  }

  function ask() {
    clearTimeout(typing);
    const wanted = input.value.trim();
    if (wanted === search) return;
    search = wanted;
    load(1);
  }

  input.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(ask, typingMs);
  });
  byId('search-form').addEventListener('submit', (event) => {
    event.preventDefault();
    ask();
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
      setText(ref('optionsName'), `of a launch of ${project.path}`);
      show(ref('ways'), project.default_branch !== null);
      show(ref('nothing'), project.default_branch === null);
    },
  };
}
