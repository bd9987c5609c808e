import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Time limit to load JupyterLab or to start a kernel, on a busy machine. */
const slow = { timeout: 120_000 };

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
  // JupyterLab ignores a run before the kernel has started, so more than one attempt may be needed.
  await expect
    .poll(async () => {
      await cell.locator('.cm-content').click(slow);
      await page.keyboard.press('Shift+Enter');
      return prompt.innerText();
    }, slow)
    .toMatch(/\[[*\d]/);
  // The prompt of a cell that is running has a star.
  await prompt.filter({ hasText: /\[\d+\]/ }).waitFor(slow);
  const output = cell.locator('.jp-OutputArea-output');
  await output.first().waitFor(slow);
  return (await output.allInnerTexts()).join('\n').trim();
}
