// @ts-check

/**
 * A container of a session's pod.
 * @typedef {object} Container
 * @property {string} name
 * @property {string} role As in session-contract/containers.ts.
 * @property {string} step The text of its step in the API.
 */

/** Returns the containers that a session can have, from the page (layout.ts). @returns {Container[]} */
export const sessionContainers = () => JSON.parse(document.body.dataset.containers ?? '[]');
