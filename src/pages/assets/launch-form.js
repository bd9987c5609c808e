// @ts-check
import { ApiError, getServerOptions, launchLink, listResourceClasses } from './api.js';
import { fromTemplate, refsOf, setAttribute, setText, show } from './dom.js';
import { amounts } from './format.js';
import { refChoice } from './ref-choice.js';
import { variableList } from './variable-list.js';

/** @typedef {import('./api.js').LaunchTarget} LaunchTarget */
/** @typedef {import('./api.js').LaunchOptions} LaunchOptions */
/** @typedef {import('./api.js').ResourceClass} ResourceClass */

/**
 * Returns the form with the options of a launch. The API provides the choices. If the choices for an option are not loaded,
 * the launch uses the platform's default.
 *
 * @param {ReturnType<typeof refsOf>} ref
 * @param {LaunchTarget} target
 * @param {LaunchOptions} chosen Initial values.
 */
export function launchForm(ref, target, chosen) {
  const form = /** @type {HTMLFormElement} */ (ref('form'));
  const input = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (ref(name));
  const commits = refChoice(ref, target);
  const variables = variableList(ref('variables'), ref('addVariable'));
  /** @type {ResourceClass[]} */
  let classes = [];
  /** @type {import('./api.js').ServerOptions} */
  let offered = {};

  const classOf = () => {
    const id = form.querySelector('input[name="size"]:checked')?.getAttribute('value');
    return classes.find((each) => String(each.id) === id);
  };

  /** Loads the choices and returns the errors of the requests that failed. @returns {Promise<ApiError[]>} */
  async function load() {
    input('image').value = chosen.image ?? '';
    input('storage').value = chosen.storage === undefined ? '' : String(chosen.storage);
    const parts = [listResourceClasses().then(showSizes), getServerOptions().then(showServerOptions), commits.load()];
    const outcomes = await Promise.allSettled(parts);
    return outcomes.flatMap((outcome) => {
      if (outcome.status === 'fulfilled') return [];
      if (outcome.reason instanceof ApiError) return [outcome.reason];
      throw outcome.reason;
    });
  }

  /** @param {ResourceClass[]} found */
  function showSizes(found) {
    classes = found;
    const wanted = found.some(({ id }) => id === chosen.resource_class_id)
      ? chosen.resource_class_id
      : found.find((each) => each.default)?.id;
    ref('sizeList').replaceChildren(
      ...found.map((each) => {
        const element = fromTemplate('size-template');
        const size = refsOf(element);
        const radio = /** @type {HTMLInputElement} */ (size('input'));
        radio.value = String(each.id);
        radio.checked = each.id === wanted;
        radio.addEventListener('change', showStorage);
        setText(size('name'), each.name);
        setText(size('amounts'), amounts(each));
        return element;
      }),
    );
    show(ref('sizes'), found.length > 0);
    showStorage();
  }

  function showStorage() {
    const size = classOf();
    if (!size) return;
    setAttribute(input('storage'), 'max', String(Math.floor(size.max_storage)));
    setAttribute(input('storage'), 'placeholder', String(size.default_storage));
    setText(ref('storageHelp'), `Default: ${size.default_storage}. Maximum: ${size.max_storage}.`);
  }

  /** @param {import('./api.js').ServerOptions} found */
  function showServerOptions(found) {
    offered = found;
    const urls = found.defaultUrl?.options ?? [];
    ref('defaultUrls').replaceChildren(...urls.map((url) => new Option(url)));
    if (input('defaultUrl').value === '')
      input('defaultUrl').value = chosen.default_url ?? found.defaultUrl?.default ?? '';
    input('lfs').checked = chosen.lfs_auto_fetch ?? found.lfs_auto_fetch?.default ?? false;
  }

  /** Returns the options that differ from the platform's defaults. @returns {LaunchOptions} */
  function options() {
    const size = classOf();
    const image = input('image').value.trim();
    const storage = Number(input('storage').value);
    const url = input('defaultUrl').value.trim();
    const lfs = input('lfs').checked;
    return {
      ...(image ? { image } : {}),
      ...(size && !size.default ? { resource_class_id: size.id } : {}),
      ...(storage > 0 && storage !== size?.default_storage ? { storage } : {}),
      ...(url && url !== offered.defaultUrl?.default ? { default_url: url } : {}),
      ...(lfs !== (offered.lfs_auto_fetch?.default ?? false) ? { lfs_auto_fetch: lfs } : {}),
    };
  }

  /** Returns the input for a field of an error. @param {string} path */
  function inputOf(path) {
    const name = {
      branch: 'branch',
      commit_sha: 'commit',
      storage: 'storage',
      default_url: 'defaultUrl',
      image: 'image',
    }[path.replace(/^body\./, '')];
    return name ? ref(name) : null;
  }

  return {
    load,
    /** Returns whether all inputs are valid. The browser marks the first invalid input. */
    isValid: () => form.reportValidity(),
    /** @returns {import('./api.js').LaunchRequest} */
    request: () => ({
      ...target,
      ...commits.chosen(),
      ...options(),
      environment_variables: variables.values(),
    }),
    /** Returns a link to this form with the same choices, without variables: their values may be secrets. */
    link() {
      const texts = Object.entries(options()).map(([name, value]) => [name, String(value)]);
      return launchLink(target, { ...commits.query(), ...Object.fromEntries(texts) });
    },
    /** Marks the inputs that an error response names. @param {{ path: string }[]} fields */
    mark(fields) {
      for (const invalid of form.querySelectorAll('[aria-invalid]')) invalid.removeAttribute('aria-invalid');
      const inputs = fields.flatMap(({ path }) => inputOf(path) ?? []);
      for (const each of inputs) each.setAttribute('aria-invalid', 'true');
      inputs[0]?.focus();
    },
    focus: () => ref('branch').focus(),
  };
}
