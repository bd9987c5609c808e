// @ts-check
import { setText } from './dom.js';

/**
 * Returns a list of what is not saved, or of what a save has.
 * @param {readonly import('./work-words.js').Group[]} groups
 */
export function groupList(groups) {
  const list = document.createElement('ul');
  list.className = 'groups';
  list.append(
    ...groups.map(({ text, items, more }) => {
      const entry = document.createElement('li');
      const title = document.createElement('p');
      setText(title, text);
      entry.append(title);
      if (items.length > 0) entry.append(names(items, more));
      return entry;
    }),
  );
  return list;
}

/** @param {readonly string[]} items @param {number} more */
function names(items, more) {
  const list = document.createElement('ul');
  list.className = 'names';
  for (const item of items) {
    const entry = document.createElement('li');
    setText(entry, item);
    list.append(entry);
  }
  if (more > 0) {
    const rest = document.createElement('li');
    rest.className = 'quiet';
    setText(rest, `and ${more} more`);
    list.append(rest);
  }
  return list;
}
