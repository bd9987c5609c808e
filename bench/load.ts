import { Pool } from 'undici';

export interface Load {
  requestsPerSecond: number;
  /** Median, milliseconds. */
  medianMs: number;
}

/** Keeps `connections` requests under way for `seconds`, after a warm-up; every answer must be a 200. */
export async function load(
  url: string,
  options: { headers?: Record<string, string>; connections: number; seconds: number },
): Promise<Load> {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, { connections: options.connections, pipelining: 1 });
  const once = async () => {
    const { statusCode, body } = await pool.request({
      path: pathname + search,
      method: 'GET',
      headers: options.headers ?? {},
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 300)}`);
  };
  const run = async (seconds: number): Promise<number[]> => {
    const end = performance.now() + seconds * 1000;
    const took: number[] = [];
    const worker = async () => {
      while (performance.now() < end) {
        const since = performance.now();
        await once();
        took.push(performance.now() - since);
      }
    };
    await Promise.all(Array.from({ length: options.connections }, worker));
    return took;
  };
  await run(Math.min(2, options.seconds));
  const took = (await run(options.seconds)).sort((a, b) => a - b);
  await pool.close();
  return {
    requestsPerSecond: took.length / options.seconds,
    medianMs: took[Math.floor(took.length / 2)] ?? Number.NaN,
  };
}
