/** Writes one line to the session's log. */
export type Log = (line: string) => void;

export const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
