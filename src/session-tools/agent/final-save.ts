import type { NotSaved } from '../saves/not-savable.ts';
import { type Saved, type SaveSettings, type SaveTools, save } from '../saves/save.ts';
import { endKernels, type Jupyter } from './jupyter.ts';

/** Saves until no file changes: more would not end if a program writes all the time. */
const maxRounds = 5;

export interface FinalSaveOptions {
  readonly tools: SaveTools;
  readonly settings: SaveSettings;
  readonly findJupyter: () => Promise<Jupyter | undefined>;
  readonly stop: AbortSignal;
  readonly log: (line: string) => void;
}

/**
 * Ends kernels and terminals, and saves until the files no longer change, a number of times at most. Throws SaveFailure if nothing was
 * saved.
 */
export async function saveFinally({ tools, settings, findJupyter, stop, log }: FinalSaveOptions): Promise<Saved> {
  const jupyter = await findJupyter();
  if (jupyter) {
    tools.progress('stopping-kernels', 0, null);
    for (const failure of await endKernels(jupyter, stop)) log(`Jupyter did not end its ${failure}`);
  }
  let saved = await save(tools, settings);
  const isChanging = ({ result }: Saved) =>
    result.changedMeanwhile.length > 0 || result.notSaved.some(({ reason }) => reason === 'changing');
  for (let round = 1; round < maxRounds && isChanging(saved); round++) {
    stop.throwIfAborted();
    saved = await save(tools, settings);
  }
  const changing = saved.result.changedMeanwhile.map((path): NotSaved => ({ path, bytes: 0, reason: 'changing' }));
  if (changing.length === 0) return saved;
  const notSaved = [...changing, ...saved.result.notSaved].slice(0, 100);
  return { ...saved, result: { ...saved.result, isVerified: false, notSaved } };
}
