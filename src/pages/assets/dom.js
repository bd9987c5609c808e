// @ts-check
/** Functions that change the page. Elements without a change are not written, to keep focus, selection and scroll position. */

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element;
}

/** Returns a copy of a template's only element. @param {string} id @returns {HTMLElement} */
export function fromTemplate(id) {
  const template = byId(id);
  const element = template instanceof HTMLTemplateElement ? template.content.firstElementChild : null;
  if (!element) throw new Error(`#${id} is not a template with an element`);
  return /** @type {HTMLElement} */ (document.importNode(element, true));
}

/**
 * Returns a function that finds the elements inside `scope` by the value of `data-ref`. It throws for an unknown value.
 * @param {HTMLElement} scope
 */
export function refsOf(scope) {
  /** @type {Map<string, HTMLElement>} */
  const refs = new Map();
  for (const element of scope.querySelectorAll('[data-ref]')) {
    if (element instanceof HTMLElement) refs.set(element.dataset.ref ?? '', element);
  }
  return (/** @type {string} */ name) => {
    const element = refs.get(name);
    if (!element) throw new Error(`there is no element with data-ref="${name}"`);
    return element;
  };
}

/** @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string | null} value null removes the attribute. */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {boolean} shown */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/** Shows a text; hides the element if there is no text. @param {HTMLElement} element @param {string | null | undefined} text */
export function showText(element, text) {
  setText(element, text ?? '');
  show(element, Boolean(text));
}

/**
 * Updates the children of `parent` to one element for each of `items`, in the same order. Existing elements are kept, and
 * moved only if the order changes, because a move would remove the focus.
 *
 * @template Item
 * @template {{ element: HTMLElement }} View
 * @param {HTMLElement} parent
 * @param {Map<string, View>} views The existing elements by key. The caller keeps this map between calls.
 * @param {Item[]} items
 * @param {(item: Item, index: number) => string} keyOf
 * @param {(item: Item) => View} create
 * @param {(view: View, item: Item) => void} update
 */
export function reconcile(parent, views, items, keyOf, create, update) {
  const keys = new Set(items.map(keyOf));
  for (const [key, view] of views) {
    if (keys.has(key)) continue;
    view.element.remove();
    views.delete(key);
  }
  /** @type {Element | null} */
  let previous = null;
  items.forEach((item, index) => {
    const key = keyOf(item, index);
    const view = views.get(key) ?? create(item);
    views.set(key, view);
    const next = previous ? previous.nextElementSibling : parent.firstElementChild;
    if (next !== view.element) parent.insertBefore(view.element, next);
    previous = view.element;
    update(view, item);
  });
}

/** Announces a text to screen readers. @param {string} text */
export function announce(text) {
  byId('announcements').textContent = text;
}
