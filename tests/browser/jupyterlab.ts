import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Time limit to load JupyterLab or to start a kernel, on a busy machine. */
const slow = { timeout: 120_000 };
/** Time in which JupyterLab shows that it has accepted the run of a cell, on a busy machine. */
const acceptedMs = 10_000;

/** Waits until JupyterLab has loaded and shows its file browser. */
export async function jupyterLab(page: Page): Promise<void> {
  await page.locator('#jupyterlab-splash').waitFor({ state: 'detached', ...slow });
  await page.locator('.jp-DirListing-content').waitFor(slow);
}

/** Runs code in a cell of a new notebook. Returns the cell's output. */
export async function runCell(page: Page, code: string): Promise<string> {
  await page.getByRole('menuitem', { name: 'File', exact: true }).click(slow);
  await page.locator('.lm-Menu-item[data-command="launcher:create"]').click(slow);
  const kernels = page.locator('.jp-LauncherCard[data-category="Notebook"]').filter({ visible: true });
  await kernels.first().click(slow);
  const cell = page.locator('.jp-NotebookPanel').filter({ visible: true }).locator('.jp-CodeCell').first();
  const prompt = cell.locator('.jp-InputPrompt');
  await cell.locator('.cm-content').click(slow);
  await page.keyboard.insertText(code);
  // JupyterLab ignores a run before the kernel has started. A run that is accepted shows a star at once, and must not be
  // repeated: the second run would replace the output of the first.
  const accepted = prompt.filter({ hasText: /\[[*\d]/ });
  await expect
    .poll(async () => {
      await cell.locator('.cm-content').click(slow);
      await page.keyboard.press('Shift+Enter');
      return accepted.waitFor({ timeout: acceptedMs }).then(
        () => 'accepted',
        () => 'ignored',
      );
    }, slow)
    .toBe('accepted');
  // The number comes after all output.
  await prompt.filter({ hasText: /\[\d+\]/ }).waitFor(slow);
  const output = async () => (await cell.locator('.jp-OutputArea-output').allInnerTexts()).join('\n').trim();
  await expect.poll(output, slow).not.toBe('');
  return output();
}
