/** Number of lines of a build that a later listener gets. */
const keptLines = 500;

type Listener = (line: string) => void;

export interface Progress {
  add(key: string, line: string): void;
  /** Calls `listener` with each line of `key`, earlier and later ones. Returns the function that stops this. */
  follow(key: string, listener: Listener): () => void;
}

/** Distributes the lines of builds to their listeners. Lines are kept until the last listener of the key stops. */
export function createProgress(): Progress {
  const builds = new Map<string, { lines: string[]; listeners: Set<Listener> }>();
  return {
    add(key, line) {
      const known = builds.get(key);
      if (!known) return;
      known.lines.push(line);
      if (known.lines.length > keptLines) known.lines.shift();
      for (const listener of known.listeners) listener(line);
    },
    follow(key, listener) {
      const known = builds.get(key) ?? { lines: [], listeners: new Set() };
      builds.set(key, known);
      for (const line of known.lines) listener(line);
      known.listeners.add(listener);
      return () => {
        known.listeners.delete(listener);
        if (known.listeners.size === 0 && builds.get(key) === known) builds.delete(key);
      };
    },
  };
}
