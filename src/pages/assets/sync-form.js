// @ts-check
import { ApiError } from './api.js';
import { fromTemplate, refsOf, setAttribute, setText, show } from './dom.js';
import { showError } from './error-message.js';
import { putFolder } from './sync-api.js';
import { remoteKinds } from './sync-remotes.js';

/**
 * @typedef {import('./sync-api.js').SyncFolder} SyncFolder
 * @typedef {import('./sync-remotes.js').RemoteField} RemoteField
 * @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Control
 */

/** Counts the fields of the page: each one has an id. */
let count = 0;

/**
 * Returns the form that creates a synchronized folder, or changes one.
 * @param {object} parts
 * @param {() => string} parts.nameOf Returns the name of the session.
 * @param {SyncFolder | null} parts.folder The folder to change; null: a new one.
 * @param {readonly string[]} parts.types The types of remotes that the platform permits.
 * @param {readonly string[]} parts.usedIds The ids of the session's folders.
 * @param {(isSaved: boolean) => void} parts.onEnd
 */
export function syncForm({ nameOf, folder, types, usedIds, onEnd }) {
  const element = fromTemplate('sync-form-template');
  const ref = refsOf(element);
  const remote = folder?.remote;
  const path = addField(ref('fields'), 'Folder in the session', {
    help: 'Relative to the project, for example "data". It is created if it does not exist.',
    value: folder?.path,
    isRequired: true,
  });
  const remotePath = addField(ref('fields'), 'Folder on the server', {
    help: 'Empty: all files of the server. It is created if it does not exist.',
    value: remote?.path,
  });
  const offered = Object.entries(remoteKinds).filter(([type]) => types.includes(type) || type === remote?.type);
  const type = addField(ref('fields'), 'Server', {
    choices: offered.map(([each, { label }]) => /** @type {const} */ ([each, label])),
    value: remote?.type ?? offered[0]?.[0],
  });
  const title = addField(ref('fields'), 'Name', {
    help: 'How this page names the server. Empty: its address.',
    value: remote?.name,
  });
  /** The fields of the type. @type {{ part: 'options' | 'credentials', name: string, control: Control, place: Element }[]} */
  let ofType = [];

  function showType() {
    for (const { place } of ofType) place.remove();
    const isSame = type.control.value === remote?.type;
    const fields = remoteKinds[type.control.value]?.fields ?? [];
    const keptHelp =
      fields.filter(({ part }) => part === 'credentials').length > 1
        ? 'The session keeps what it has only if all secrets stay empty.'
        : 'Empty: the session keeps the one that it has.';
    ofType = fields.map((field) => {
      const isStored = field.part === 'credentials' && isSame;
      const help = isStored ? keptHelp : field.help;
      const value = field.part === 'options' && isSame ? remote?.options[field.name] : undefined;
      // With another option, the remote would be another one: it would need its credentials again.
      const isUnset = field.part === 'options' && isSame && value === undefined;
      const isRequired = field.isRequired === true && !isStored && !isUnset;
      /** @type {RemoteField['choices']} */
      const choices = isUnset && field.choices ? [['', 'Not set'], ...field.choices] : field.choices;
      return { ...field, ...addField(ref('fields'), field.label, { ...field, help, value, isRequired, choices }) };
    });
  }

  async function save() {
    showError(ref('error'), null);
    setAttribute(ref('save'), 'disabled', '');
    try {
      const id = folder?.id ?? idFor(path.control.value, usedIds);
      await putFolder(nameOf(), id, bodyOf());
      onEnd(true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showError(ref('error'), error);
    } finally {
      setAttribute(ref('save'), 'disabled', null);
    }
  }

  function bodyOf() {
    const options = valuesOf('options');
    const credentials = valuesOf('credentials');
    const address = options['url'] ?? options['endpoint'] ?? options['host'] ?? options['bucket'] ?? options['folder'];
    return {
      ...(folder ? settingsOf(folder) : {}),
      path: trimmed(path.control.value),
      remote: {
        name: title.control.value.trim() || hostOf(address ?? type.control.value),
        type: type.control.value,
        path: trimmed(remotePath.control.value),
        // Options that the form does not show stay.
        options: type.control.value === remote?.type ? { ...withoutShown(remote.options), ...options } : options,
      },
      ...(Object.keys(credentials).length > 0 ? { credentials } : {}),
    };
  }

  /** @param {'options' | 'credentials'} part */
  const valuesOf = (part) =>
    Object.fromEntries(
      ofType.flatMap((field) => {
        const value = field.part === 'credentials' ? field.control.value : field.control.value.trim();
        return field.part === part && value !== '' ? [[field.name, value]] : [];
      }),
    );

  /** @param {Readonly<Record<string, string>>} options */
  const withoutShown = (options) =>
    Object.fromEntries(Object.entries(options).filter(([name]) => !ofType.some((field) => field.name === name)));

  setAttribute(element, 'aria-label', folder ? `Change the folder ${folder.path}` : 'Synchronize a folder');
  setText(
    ref('intro'),
    folder
      ? 'With another folder or server, both sides are compared as at the first time: nothing is deleted, and of files that differ both versions stay.'
      : 'Both folders get the files of the other one, and then each change. The first time, nothing is deleted, and of files that differ both versions stay.',
  );
  setText(ref('save'), folder ? 'Save' : 'Synchronize');
  type.control.addEventListener('change', showType);
  ref('cancel').addEventListener('click', () => onEnd(false));
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    void save();
  });
  showType();
  return { element, focus: () => path.control.focus() };
}

/**
 * Adds a labelled field to a form.
 * @param {Element} parent @param {string} label
 * @param {{ help?: string | undefined, value?: string | undefined, placeholder?: string | undefined, isRequired?: boolean, isSecret?: boolean | undefined,
 *   isLong?: boolean | undefined, choices?: readonly (readonly [string, string])[] | undefined }} options
 */
function addField(parent, label, { help, value, placeholder, isRequired = false, isSecret, isLong, choices }) {
  const place = fromTemplate('sync-field-template');
  const ref = refsOf(place);
  const control = controlFor(choices, isLong === true);
  const id = `sync-field-${++count}`;
  control.id = id;
  ref('help').id = `${id}-help`;
  setAttribute(ref('label'), 'for', id);
  setText(ref('label'), isRequired || choices ? label : `${label} (optional)`);
  setText(ref('help'), help ?? '');
  show(ref('help'), Boolean(help));
  if (help) setAttribute(control, 'aria-describedby', `${id}-help`);
  control.required = isRequired;
  if (value !== undefined) control.value = value;
  if (!(control instanceof HTMLSelectElement)) {
    control.placeholder = placeholder ?? '';
    control.maxLength = 16_384;
    control.spellcheck = false;
    // Browsers must not offer the password of this platform.
    control.autocomplete = isSecret ? 'new-password' : 'off';
    setAttribute(control, 'autocapitalize', 'off');
  }
  if (isSecret && control instanceof HTMLInputElement) control.type = 'password';
  ref('label').after(control);
  parent.append(place);
  return { control, place };
}

/** @param {readonly (readonly [string, string])[] | undefined} choices @param {boolean} isLong @returns {Control} */
function controlFor(choices, isLong) {
  if (isLong) return document.createElement('textarea');
  if (!choices) return document.createElement('input');
  const select = document.createElement('select');
  select.append(...choices.map(([value, text]) => new Option(text, value)));
  return select;
}

/** Returns the settings of a folder as a request has them. @param {SyncFolder} folder */
export function settingsOf({
  path,
  remote,
  intervalSeconds,
  ignore,
  maxFileBytes,
  backupSeconds,
  bytesPerSecond,
  paused,
}) {
  return { path, remote, intervalSeconds, ignore, maxFileBytes, backupSeconds, bytesPerSecond, paused };
}

/** Returns a free id for a folder. @param {string} path @param {readonly string[]} used */
function idFor(path, used) {
  const plain = path
    .toLowerCase()
    .normalize('NFD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 24)
    .replace(/-+$/, '');
  const first = plain || 'folder';
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? first : `${first}-${number}`;
    if (!used.includes(id)) return id;
  }
}

/** @param {string} path */
const trimmed = (path) => path.trim().replaceAll(/^\/+|\/+$/g, '');

/** @param {string} address */
const hostOf = (address) => (URL.canParse(address) ? new URL(address).host || address : address).slice(0, 100);
