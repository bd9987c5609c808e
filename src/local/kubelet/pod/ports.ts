import { join } from 'node:path';
import { readJson, writePrivateFile } from '../../machine/private-files.ts';
import { choosePort } from './addresses.ts';
import type { PodContext } from './context.ts';

const fileOf = ({ directory }: PodContext, name: string): string => join(directory.root, `${name}.json`);

/**
 * Returns the port of the pod's address for one of its servers. The port is chosen once and stored, because other containers of the
 * pod use it, too, and may start under another kubelet.
 */
export async function podPort(context: PodContext, name: string, wanted: number): Promise<number> {
  const stored = await storedPort(context, name);
  if (stored !== undefined) return stored;
  const port = await choosePort(context.address, wanted);
  await writePrivateFile(fileOf(context, name), JSON.stringify({ port }));
  return port;
}

/** Returns undefined if the port has not been chosen yet. */
export async function storedPort(context: PodContext, name: string): Promise<number | undefined> {
  return (await readJson<{ port: number }>(fileOf(context, name)))?.port;
}
