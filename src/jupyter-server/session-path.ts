/** Returns the path of a session under the platform's host, without a slash at the end. */
export const sessionPath = (name: string): string => `/sessions/${name}`;
