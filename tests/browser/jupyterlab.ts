import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Loading JupyterLab and starting a kernel, on a machine that does other things. */
const patience = { timeout: 120_000 };

/** Waits until JupyterLab is there and has laid itself out. */
export async function jupyterLab(page: Page): Promise<void> {
  await page.locator('#jupyterlab-splash').waitFor({ state: 'detached', ...patience });
  await page.locator('.jp-DirListing-content').waitFor(patience);
}

/** Runs code in a cell of a new notebook; resolves with what the cell printed. */
export async function runCell(page: Page, code: string): Promise<string> {
  await page.getByRole('menuitem', { name: 'File', exact: true }).click(patience);
  await page.locator('.lm-Menu-item[data-command="launcher:create"]').click(patience);
  const kernels = page.locator('.jp-LauncherCard[data-category="Notebook"]').filter({ visible: true });
  await kernels.first().click(patience);
  const cell = page.locator('.jp-NotebookPanel').filter({ visible: true }).locator('.jp-CodeCell').first();
  const prompt = cell.locator('.jp-InputPrompt');
  await cell.locator('.cm-content').click(patience);
  await page.keyboard.insertText(code);
  // What is run before there is a kernel is dropped by JupyterLab, so it may take more than one try.
  await expect
    .poll(async () => {
      await cell.locator('.cm-content').click(patience);
      await page.keyboard.press('Shift+Enter');
      return prompt.innerText();
    }, patience)
    .toMatch(/\[[*\d]/);
  // A cell that still runs shows a star.
  await prompt.filter({ hasText: /\[\d+\]/ }).waitFor(patience);
  const output = cell.locator('.jp-OutputArea-output');
  await output.first().waitFor(patience);
  return (await output.allInnerTexts()).join('\n').trim();
}
