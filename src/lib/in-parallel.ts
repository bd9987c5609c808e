/** Calls `work` for each item, with at most `concurrency` calls at a time. Rejects with the first error of `work`. */
export async function inParallel<Item>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const workers = Array.from({ length: Math.min(concurrency, items.length) }, async () => {
    for (const item of left) await work(item);
  });
  await Promise.all(workers);
}
