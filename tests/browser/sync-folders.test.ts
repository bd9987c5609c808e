import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import type { SyncFolder } from '../../src/generated/openapi.ts';
import { conflict, notes } from '../support/session-agent/fake-sync.ts';
import { describeInChromium } from './chromium.ts';
import { faintTexts, smallTargets, unnamedControls } from './page-checks.ts';
import { card, hostile, sessionsPage, soon } from './sessions-page.ts';

const folder = (status: Partial<SyncFolder['status']> = {}, more: Partial<SyncFolder> = {}): SyncFolder => ({
  ...notes,
  status: { ...notes.status, conflicts: [], conflictCount: 0, ...status },
  ...more,
});

const field = (form: Locator, label: string): Locator => form.getByLabel(label, { exact: true });

describeInChromium('the synchronized folders of sessions', (browser) => {
  const site = sessionsPage(browser);
  const { add, open } = site;
  const posted = () =>
    site.fake.requests.filter(({ method }) => method === 'POST').map(({ path, body }) => ({ path, body }));

  it('are shown with their state, and are synchronized by a button', async () => {
    add('a');
    add('b', { project: 'without' });
    const error = {
      reason: 'unauthorized' as const,
      message: `The remote rejects the credentials: ${hostile}`,
      retryAt: null,
    };
    site.fake.saves.folders.set('a', [folder(), folder({ state: 'error', error }, { id: 'other', path: 'other' })]);
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown
      .getByText(/^notes and My Nextcloud: synchronized .* ago\.$|^notes and My Nextcloud: synchronized yesterday\.$/)
      .waitFor(soon);
    await shown.getByText('other and My Nextcloud: not synchronized.').waitFor(soon);
    await shown.getByText(error.message, { exact: true }).waitFor(soon);
    await shown.getByText('Earlier versions of files in notes').click();
    await shown.getByText('/work/.notebook-sessions/sync/notes/backup', { exact: true }).first().waitFor();
    await shown.getByText('Notes/.notebook-sessions-sync/backup', { exact: true }).first().waitFor();
    expect(await page.locator('img').count()).toBe(0);
    expect(await card(page, 'demo/without').getByRole('region', { name: 'Synchronized folders' }).count()).toBe(0);
    await shown.getByRole('button', { name: 'Synchronize the folder notes' }).click();
    await expect.poll(posted).toEqual([{ path: '/servers/a/sync-folders/notes/sync', body: {} }]);
    expect(await page.evaluate(faintTexts)).toEqual([]);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(await page.evaluate(unnamedControls)).toEqual([]);
  });

  it('are created by a form, changed without the password, paused, continued, and ended after a question', async () => {
    add('a');
    site.fake.saves.folders.set('a', []);
    const page = await open();
    const shown = card(page, 'demo/first-light');
    const sent = () =>
      site.fake.requests.filter(({ method }) => method === 'PUT' || method === 'DELETE').map(({ body }) => body);
    await shown.getByRole('button', { name: 'Synchronize a folder' }).click(soon);
    const form = shown.getByRole('form', { name: 'Synchronize a folder' });
    await field(form, 'Folder in the session').fill('My Notes/');
    await field(form, 'Folder on the server (optional)').fill('Notes');
    await field(form, 'Address').fill('https://cloud.example.org/dav');
    await field(form, 'User').fill('ada');
    await field(form, 'Password').fill('an app password');
    expect(await field(form, 'Password').getAttribute('type')).toBe('password');
    expect(await page.evaluate(faintTexts)).toEqual([]);
    expect(await page.evaluate(smallTargets)).toEqual([]);
    expect(await page.evaluate(unnamedControls)).toEqual([]);
    await form.getByRole('button', { name: 'Synchronize' }).click();
    await form.waitFor({ state: 'detached', ...soon });
    const remote = {
      ...{ name: 'cloud.example.org', type: 'webdav', path: 'Notes' },
      options: { url: 'https://cloud.example.org/dav', user: 'ada', vendor: 'nextcloud' },
    };
    expect(sent()).toMatchObject([{ path: 'My Notes', remote, credentials: { password: 'an app password' } }]);

    await shown.getByRole('button', { name: 'Change the folder My Notes' }).click(soon);
    const change = shown.getByRole('form', { name: 'Change the folder My Notes' });
    expect(await field(change, 'Password (optional)').inputValue()).toBe('');
    await field(change, 'Name (optional)').fill('My cloud');
    await change.getByRole('button', { name: 'Save' }).click();
    await shown.getByText(/^My Notes and My cloud: synchronized/).waitFor(soon);
    expect(sent()[1]).toMatchObject({ path: 'My Notes', remote: { ...remote, name: 'My cloud' }, intervalSeconds: 60 });
    expect(sent()[1]).not.toHaveProperty('credentials');

    await shown.getByRole('button', { name: 'Pause the folder My Notes' }).click();
    await shown.getByText('My Notes and My cloud: paused.').waitFor(soon);
    await shown.getByRole('button', { name: 'Continue the folder My Notes' }).click();
    await shown.getByText(/^My Notes and My cloud: synchronized/).waitFor(soon);
    expect(sent().slice(2)).toMatchObject([{ paused: true }, { paused: false }]);

    await shown.getByRole('button', { name: 'End the synchronization of My Notes' }).click();
    const dialog = page.getByRole('dialog', { name: 'End the synchronization of My Notes?' });
    await dialog.getByText(/^The files in the session and those of My cloud stay\./).waitFor();
    await dialog.getByText(/^The session deletes the password and the versions/).waitFor();
    await dialog.getByRole('button', { name: 'End the synchronization' }).click();
    await shown.getByText(/My Notes and My cloud/).waitFor({ state: 'detached', ...soon });
  });

  it('have a form that shows the errors of the service, and are removed if they cannot be used', async () => {
    add('a');
    site.fake.saves.folders.set('a', []);
    site.fake.saves.unusableFolders.push({ id: 'old', message: `The folder "old" is not synchronized: ${hostile}` });
    site.fake.intercept = (method) =>
      method === 'PUT'
        ? {
            status: 422,
            body: {
              error: { code: 1422, message: 'The request is invalid.', detail: 'remote.options.host: must be a host' },
            },
          }
        : undefined;
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('The folder "old" is not synchronized', { exact: false }).waitFor(soon);
    await shown.getByRole('button', { name: 'Synchronize a folder' }).click();
    const form = shown.getByRole('form', { name: 'Synchronize a folder' });
    await field(form, 'Server').selectOption('SFTP');
    for (const [label, value] of [
      ['Folder in the session', 'data'],
      ['Host', 'a/b'],
      ['User', 'ada'],
      ['Key of the server', 'ssh-ed25519 AAAA'],
      ['Password (optional)', 'secret'],
    ] as const)
      await field(form, label).fill(value);
    await form.getByRole('button', { name: 'Synchronize' }).click();
    await form.getByText('remote.options.host: must be a host').waitFor(soon);
    expect(await field(form, 'Host').inputValue()).toBe('a/b');
    await form.getByRole('button', { name: 'Cancel' }).click();
    await shown.getByRole('button', { name: 'Remove the folder old' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove the folder old?' });
    await dialog.getByText(/^The session deletes the password and the versions/).waitFor();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await shown
      .getByText('The folder "old" is not synchronized', { exact: false })
      .waitFor({ state: 'detached', ...soon });
    expect(await page.locator('img').count()).toBe(0);
  });

  it('have conflicts, which a button resolves after a question', async () => {
    add('a');
    site.fake.saves.folders.set('a', [folder({ conflicts: [conflict], conflictCount: 1 })]);
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText(/a\.txt was changed on both sides\. Yours \(1 byte\) has the name/).waitFor(soon);
    const dialog = page.getByRole('dialog');
    await shown.getByRole('button', { name: 'Keep theirs of a.txt' }).click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await shown.getByRole('button', { name: 'Keep theirs of a.txt' }).click();
    await dialog.getByText('Keep only their version of a.txt?').waitFor();
    await dialog.getByText(/^Deleted and replaced versions stay for 1 hour /).waitFor();
    await dialog.getByRole('button', { name: 'Keep only this version' }).click();
    await shown.getByText(/was changed on both sides/).waitFor({ state: 'detached', ...soon });
    expect(posted()).toEqual([
      { path: '/servers/a/sync-folders/notes/conflicts/conflict-1', body: { resolution: 'theirs' } },
    ]);
  });

  it('are suspended until a button and a question confirm the number of deletions', async () => {
    add('a');
    const suspension = {
      ...{ message: 'The remote has 120 files less.', side: 'remote' as const, deletions: 120, known: 130 },
      since: '2026-11-20T10:00:00Z',
    };
    site.fake.saves.folders.set('a', [folder({ state: 'suspended', suspension })]);
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('The remote has 120 files less.').waitFor(soon);
    await shown.getByRole('button', { name: 'Delete 120 files' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The remote has 120 files less.').waitFor();
    await dialog.getByRole('button', { name: 'Keep it' }).click();
    await shown.getByRole('button', { name: 'Delete 120 files' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await expect.poll(posted).toEqual([{ path: '/servers/a/sync-folders/notes/sync', body: { deletions: 120 } }]);
  });
});
