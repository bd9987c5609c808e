/** Lines of a build that later listeners are given. */
const keptLines = 500;

type Listener = (line: string) => void;

export interface Progress {
  tell(key: string, line: string): void;
  /** Calls `listener` with each line of `key` that was told, and with each to come. Returns the function that ends it. */
  follow(key: string, listener: Listener): () => void;
}

/** What is told of something that several wait for. It is forgotten with the last of them. */
export function createProgress(): Progress {
  const told = new Map<string, { lines: string[]; listeners: Set<Listener> }>();
  return {
    tell(key, line) {
      const known = told.get(key);
      if (!known) return;
      known.lines.push(line);
      if (known.lines.length > keptLines) known.lines.shift();
      for (const listener of known.listeners) listener(line);
    },
    follow(key, listener) {
      const known = told.get(key) ?? { lines: [], listeners: new Set() };
      told.set(key, known);
      // A listener of its own for each call, so that the same function may follow twice.
      const own: Listener = (line) => listener(line);
      for (const line of known.lines) own(line);
      known.listeners.add(own);
      return () => {
        known.listeners.delete(own);
        if (known.listeners.size === 0 && told.get(key) === known) told.delete(key);
      };
    },
  };
}
