const maxListed = 100;
/** Bytes of JSON: the lists of ten folders are far below the limit of the service for a response of the agent, 1 MB. */
const maxListedBytes = 24 * 1024;

/** Returns the first entries, at least one and at most 100, that are together not too long for a response. Paths can be long. */
export function listed<T>(all: readonly T[]): T[] {
  let bytes = 0;
  const first = all.slice(0, maxListed);
  const over = first.findIndex((each) => {
    bytes += Buffer.byteLength(JSON.stringify(each));
    return bytes > maxListedBytes;
  });
  return over < 0 ? first : first.slice(0, Math.max(1, over));
}
