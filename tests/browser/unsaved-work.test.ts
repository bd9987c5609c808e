import { expect, it } from 'vitest';
import type { Operation, SavingStatus } from '../../src/generated/openapi.ts';
import { describeInChromium } from './chromium.ts';
import { fakeWork } from './fake-work.ts';
import { faintTexts, smallTargets, unnamedControls } from './page-checks.ts';
import { card, hostile, sessionsPage, soon } from './sessions-page.ts';

const much = fakeWork({
  files: {
    count: 132,
    bytes: 20_480,
    names: ['notebook.ipynb', hostile, ...Array.from({ length: 98 }, (_, i) => `${i}`)],
  },
  branches: [
    { name: 'main', commits: 1 },
    { name: null, commits: 2 },
  ],
  tags: { count: 1, names: ['v2'] },
  stashes: 1,
  lfs: { objects: 2, bytes: 5_000_000 },
  inProgress: 'merge',
  submodules: [{ path: 'libs/tools', files: { count: 1, bytes: 5, names: ['tool.py'] }, commits: 1 }],
  remotes: [{ name: 'upstream', reason: 'The session has no SSH key.' }],
  notSavable: [{ path: 'data/large.bin', bytes: 2_147_483_648, reason: 'ignored' }],
});
const oneFile = { files: { count: 1, bytes: 7, names: ['a.txt'] } };
const at = '2026-11-20T10:00:00Z';
const failedSave = (more: Partial<SavingStatus> = {}, until: string | null = '2026-11-20T11:00:00Z'): SavingStatus => ({
  ...{ operation: 'x', action: 'delete', step: 'pushing', done: 0, total: null },
  failure: { reason: 'push-rejected', message: 'The branch is protected. Ask a maintainer.', at, until },
  ...more,
});

describeInChromium('the work of sessions', (browser) => {
  const site = sessionsPage(browser);
  const { add, open } = site;
  const requests = (method: string) =>
    site.fake.requests.filter((each) => each.method === method).map(({ path, query, body }) => ({ path, query, body }));

  it('is shown: what is not saved, what cannot be saved, and for whom', async () => {
    add('a');
    add('b', { project: 'clean' });
    add('c', { project: 'without' });
    add('d', { project: 'other' });
    const { work } = site.fake.saves;
    work.set('a', much);
    work.set('b', fakeWork());
    const whyNotSaved = { reason: 'no-permission' as const, message: 'That needs the Developer role.' };
    work.set('d', fakeWork({ ...oneFile, canPush: false }, { savesOnStop: false, whyNotSaved }));
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown
      .getByText('Not saved: 132 files, 3 commits, 1 tag, 1 stash, 2 LFS objects and changes in 1 submodule.')
      .waitFor(soon);
    await shown.getByText(/^Files and commits/).click();
    for (const text of [
      '132 files changed or new (20 KB)',
      'and 122 more',
      '1 commit not pushed, branch main',
      '2 commits not pushed, on no branch (detached HEAD)',
      '1 tag not pushed',
      '2 Git LFS objects not uploaded (5 MB)',
      'Submodule libs/tools: 1 file changed or new and 1 commit not pushed',
      'data/large.bin (2.1 GB): git ignores it, and it is large',
      'A merge is in progress. A save keeps its state.',
      'The session cannot push to the remote upstream: The session has no SSH key.',
    ])
      await shown.getByText(text, { exact: true }).waitFor(soon);
    expect(await page.locator('img').count()).toBe(0);
    await card(page, 'demo/clean').getByText('All work is pushed.').waitFor(soon);
    expect(await card(page, 'demo/clean').getByRole('button', { name: /^Save/ }).count()).toBe(0);
    await card(page, 'demo/without')
      .getByText('What is not saved is not shown: This session has no agent')
      .waitFor(soon);
    const other = card(page, 'demo/other');
    await other.getByText('Not saved, and you cannot push: 1 file.').waitFor(soon);
    await other.getByText(/^Files and commits/).click();
    await other.getByText('A stop does not save this work. That needs the Developer role.').waitFor();
    expect(await other.getByRole('button', { name: /^Save/ }).count()).toBe(0);
  });

  it('says which autosave was restored, which is kept, and why one was not restored', async () => {
    const recovered = {
      ...{ branch: 'renku/autosave/jane/main/0123456/89abcde', commit: 'c'.repeat(40), savedAt: at },
      ...{ isComplete: true, error: null, isDeleted: false, others: [] },
    };
    add('a');
    add('b', { project: 'failed' });
    add('c', { project: 'deleted' });
    const { work } = site.fake.saves;
    work.set('a', fakeWork({ recovered, isClean: true }));
    const error = `Nothing was restored: ${hostile}`;
    work.set(
      'b',
      fakeWork({ recovered: { ...recovered, isComplete: false, error, others: ['x', 'y'] }, isClean: true }),
    );
    work.set('c', fakeWork({ recovered: { ...recovered, isDeleted: true }, isClean: true }));
    const page = await open();
    await card(page, 'demo/first-light')
      .getByText(
        /^The work of an autosave \(.*ago\) was restored when the session started\. The autosave is deleted when/,
      )
      .waitFor(soon);
    await card(page, 'demo/failed')
      .getByText(
        `The autosave ${recovered.branch} was not restored completely when the session started, and is kept. ${error} To try again, stop the session and launch it again before you change files. 2 older autosaves of the same commit are kept.`,
        { exact: true },
      )
      .waitFor(soon);
    const deleted = card(page, 'demo/deleted');
    await deleted.getByText('All work is pushed.').waitFor(soon);
    expect(await deleted.getByText('was restored').count()).toBe(0);
    expect(await page.locator('img').count()).toBe(0);
  });

  it('is saved with progress, and the result is shown', async () => {
    add('a');
    site.fake.saves.work.set('a', much);
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByRole('button', { name: 'Save the work of demo/first-light at main' }).press('Enter', soon);
    await shown.getByText('Looking for changes').waitFor(soon);
    const [operation] = site.fake.saves.operations;
    if (!operation) return expect.fail('there is no save');
    operation.progress = { step: 'pushing', done: 1_000_000, total: 4_000_000 };
    await shown.getByText('Pushing to the repository (1 MB of 4 MB)').waitFor(soon);
    const bar = shown.getByRole('progressbar', { name: 'Progress of the save' });
    expect(await bar.evaluate((element) => (element as unknown as { position: number }).position)).toBe(0.25);
    // The page finds the save again after it was loaded again.
    await page.reload();
    await shown.getByText('Pushing to the repository (1 MB of 4 MB)').waitFor(soon);
    site.fake.saves.work.set('a', fakeWork());
    Object.assign(operation, {
      state: 'succeeded',
      finishedAt: at,
      result: {
        ...{ location: 'remote', branch: 'renku/autosave/ada/main/8f14e45/8f14e45', commit: 'c', isVerified: true },
        ...{ files: 3, commits: 1, changedMeanwhile: ['run.log'] },
        notSaved: [{ path: 'large.bin', bytes: 2_000_000, reason: 'ignored' }],
      },
    } satisfies Partial<Operation>);
    await shown.getByText('Saved as an autosave in the repository: 3 files and 1 commit.').waitFor(soon);
    await shown.getByText('run.log', { exact: true }).waitFor();
    await shown.getByText('large.bin (2 MB): git ignores it, and it is large').waitFor();
    await shown.getByText('All work is pushed.').waitFor(soon);
  });

  it('is not saved: a save is cancelled, or fails with its reason and can be repeated, also without a stream', async () => {
    add('a');
    const { work, operations } = site.fake.saves;
    work.set('a', fakeWork(oneFile));
    site.fake.intercept = (_method, path, accept) =>
      path.includes('/operations/') && accept === 'text/event-stream'
        ? { status: 503, body: { error: { code: 3000, message: 'No streams.', detail: null, requestId: 'r' } } }
        : undefined;
    const page = await open();
    const shown = card(page, 'demo/first-light');
    const save = shown.getByRole('button', { name: /^Save the work/ });
    await save.click(soon);
    await shown.getByRole('button', { name: 'Cancel the save' }).press('Enter', soon);
    await shown.getByText('The save was cancelled.').waitFor(soon);
    expect(operations[0]?.state).toBe('cancelled');
    await save.click(soon);
    await expect.poll(() => operations.length, soon).toBe(2);
    Object.assign(operations[0] ?? {}, {
      state: 'failed',
      finishedAt: at,
      error: { reason: 'unreachable', message: 'The git server does not answer. Save again when it is back.' },
      result: {
        ...{ location: 'volume', branch: 'x', commit: 'c', isVerified: false, files: 1, commits: 0 },
        ...{ changedMeanwhile: [], notSaved: [] },
      },
    } satisfies Partial<Operation>);
    await shown.getByText('The git server does not respond.').waitFor(soon);
    await shown.getByText('Save again when it is back.').waitFor();
    await shown.getByText('a file on the volume of the session, which is pushed when').waitFor();
    await save.click(soon);
    await expect.poll(() => operations.length, soon).toBe(3);
  });

  it('is named by the question before a stop: what is saved, and what is lost', async () => {
    add('a');
    add('b', { project: 'other' });
    site.fake.saves.work.set('a', much);
    const whyNotSaved = { reason: 'anonymous' as const, message: 'You are not signed in.' };
    site.fake.saves.work.set('b', fakeWork({ ...oneFile, canPush: false }, { savesOnStop: false, whyNotSaved }));
    const page = await open();
    const stop = page.getByRole('button', { name: 'Stop demo/first-light at main' });
    await stop.press('Enter', soon);
    const question = page.getByRole('dialog', { name: 'Stop demo/first-light at main?' });
    await question.getByText('Its work is saved first, as an autosave in the repository.').waitFor(soon);
    await question.getByText('132 files changed or new (20 KB)').waitFor();
    await question.getByText('and 127 more').waitFor();
    await question.getByText('These are not saved, and are lost:').waitFor();
    await question.getByText('data/large.bin (2.1 GB): git ignores it, and it is large').waitFor();
    expect(await question.getByRole('button').allInnerTexts()).toEqual(['Keep it', 'Stop and delete']);
    // Tab does not leave the dialog for the page behind it.
    for (let presses = 0; presses < 6; presses += 1) {
      await page.keyboard.press('Tab');
      const outside = `document.activeElement !== document.body && !document.activeElement.closest('dialog')`;
      expect(await page.evaluate(outside)).toBe(false);
    }
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'hidden' });
    expect(await page.locator(':focus').innerText()).toMatch(/^Stop/);

    await page.getByRole('button', { name: 'Stop demo/other at main' }).click();
    const loss = page.getByRole('dialog', { name: 'Stop demo/other at main?' });
    await loss.getByText('You are not signed in.').waitFor(soon);
    await loss.getByText('This is lost:').waitFor();
    await loss.getByText('a.txt').waitFor();
    expect(requests('DELETE')).toEqual([]);
    await loss.getByRole('button', { name: 'Stop and delete' }).click();
    await expect
      .poll(() => requests('DELETE'), soon)
      .toEqual([{ path: '/servers/b', query: undefined, body: undefined }]);
  });

  it('is saved by a stop without a loss, and nothing is asked if there is nothing to lose', async () => {
    add('a');
    add('b', { project: 'clean' });
    site.fake.saves.work.set('a', fakeWork(oneFile));
    site.fake.saves.work.set('b', fakeWork());
    const page = await open();
    await page.getByRole('button', { name: 'Stop demo/clean at main' }).click(soon);
    await card(page, 'demo/clean').getByText('Stopping', { exact: true }).waitFor(soon);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.getByRole('button', { name: 'Stop demo/first-light at main' }).click();
    await page.getByRole('button', { name: 'Save and stop' }).click(soon);
    await card(page, 'demo/first-light').getByText('Stopping', { exact: true }).waitFor(soon);
    expect(requests('DELETE').map(({ path }) => path)).toEqual(['/servers/b', '/servers/a']);
  });

  it('is the subject of one question at a time: an answer is only to the question that is shown', async () => {
    add('a');
    add('b', { project: 'other' });
    for (const name of ['a', 'b']) site.fake.saves.work.set(name, fakeWork(oneFile));
    const page = await open();
    for (const project of ['demo/first-light', 'demo/other'])
      await card(page, project).getByText('Not saved: 1 file.').waitFor(soon);
    const [a, b] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    for (const [name, { promise }] of [
      ['a', a],
      ['b', b],
    ] as const)
      await page.route(`**/servers/${name}/work`, async (route) => {
        await promise;
        await route.continue();
      });
    // Both questions wait for the work of their sessions.
    const asked = ['a', 'b'].map((name) => page.waitForResponse(`**/servers/${name}/work`, soon));
    await page.getByRole('button', { name: 'Stop demo/first-light at main' }).click();
    await page.getByRole('button', { name: 'Stop demo/other at main' }).click();
    a.resolve();
    const first = page.getByRole('dialog', { name: 'Stop demo/first-light at main?' });
    await first.waitFor(soon);
    b.resolve();
    await Promise.all(asked);
    await first.getByRole('button', { name: 'Save and stop' }).click();
    const second = page.getByRole('dialog', { name: 'Stop demo/other at main?' });
    await second.getByRole('button', { name: 'Keep it' }).click(soon);
    await card(page, 'demo/first-light').getByText('Stopping', { exact: true }).waitFor(soon);
    expect(requests('DELETE').map(({ path }) => path)).toEqual(['/servers/a']);
  });

  it('is kept by a stop that has failed at once: the page shows why, and its buttons', async () => {
    const session = add('a');
    site.fake.saves.work.set('a', fakeWork(oneFile));
    site.fake.intercept = (method) => {
      if (method !== 'DELETE') return undefined;
      // The save has failed before the page reads the session again.
      Object.assign(session.status, { state: 'running', saving: failedSave({ operation: 'next' }) });
      return { status: 204, body: undefined };
    };
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByRole('button', { name: 'Stop demo/first-light at main' }).click(soon);
    await page.getByRole('button', { name: 'Save and stop' }).click(soon);
    await shown.getByText('The git server does not accept the save.').waitFor(soon);
    await shown.getByText('Running', { exact: true }).waitFor(soon);
    await shown.getByRole('button', { name: 'Stop demo/first-light at main' }).waitFor(soon);
  });

  it('may be lost if the session does not answer: the question says so', async () => {
    add('a');
    const error = { code: 3000, message: 'The agent does not respond.', detail: 'Try again.', requestId: 'r' };
    site.fake.intercept = (_method, path) => (path.endsWith('/work') ? { status: 500, body: { error } } : undefined);
    const page = await open();
    await card(page, 'demo/first-light')
      .getByText('What is not saved could not be read: The agent does not respond.')
      .waitFor(soon);
    await page.getByRole('button', { name: /^Stop/ }).click();
    const question = page.getByRole('dialog', { name: 'Stop demo/first-light at main?' });
    await question.getByText('The agent does not respond. Try again.').waitFor(soon);
    await question.getByText('Work that is neither pushed nor saved may be lost.').waitFor();
  });

  it('is saved before the end: the progress, a failure with its choices, and a deletion without a save', async () => {
    const saving: SavingStatus = {
      ...{ operation: 'x', action: 'delete', step: 'pushing', done: 1_000_000, total: 4_000_000, failure: null },
    };
    const message =
      'The work is being saved before the session is deleted: pushing to the repository (1.0 MB of 4.0 MB).';
    const session = add('a', { state: 'stopping', message, saving });
    site.fake.saves.work.set('a', fakeWork(oneFile, { savesOnStop: false }));
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Saving the work, then the session is deleted').waitFor(soon);
    await shown.getByText(message).waitFor();
    const bar = shown.getByRole('progressbar', { name: 'Progress of the save' });
    expect(await bar.evaluate((element) => (element as unknown as { position: number }).position)).toBe(0.25);
    expect(await shown.getByRole('button', { name: 'Delete without saving' }).isVisible()).toBe(true);

    const failed = failedSave();
    const warning = `The work could not be saved in the repository: ${failed.failure?.message} So the session still runs.`;
    Object.assign(session.status, { state: 'running', message: null, saving: failed });
    session.status.warnings = [{ message: warning, critical: true }];
    await shown.getByText('The git server does not accept the save.').waitFor(soon);
    await shown.getByText('The branch is protected. Ask a maintainer.', { exact: true }).waitFor();
    await shown.getByText(/^The save failed at .* Until .*, another stop deletes it with its work\.$/).waitFor();
    expect(await shown.getByText(warning).count()).toBe(0);

    await shown.getByRole('button', { name: 'Try to save again' }).click();
    await expect.poll(() => requests('DELETE').at(-1), soon).toMatchObject({ path: '/servers/a', query: 'save=true' });
    Object.assign(session.status, { state: 'running', saving: failed });
    await shown.getByRole('button', { name: 'Delete without saving' }).click(soon);
    const question = page.getByRole('dialog', { name: 'Delete demo/first-light at main without saving?' });
    await question.getByText('The work could not be saved: The branch is protected.').waitFor(soon);
    await question.getByText('a.txt').waitFor();
    await question.getByRole('button', { name: 'Delete without saving' }).click();
    await expect.poll(() => requests('DELETE').at(-1), soon).toMatchObject({ path: '/servers/a', query: 'save=false' });
  });

  it('is kept by a hibernation after a failed stop, which says until when', async () => {
    add('a', { state: 'hibernated', message: 'x', saving: failedSave({}, null) });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByText('Its files are kept until you stop it again.').waitFor(soon);
    await shown.getByRole('button', { name: 'Resume demo/first-light at main' }).click();
    await expect
      .poll(() => requests('PATCH'), soon)
      .toEqual([{ path: '/servers/a', query: undefined, body: { state: 'running', force: false } }]);
    await shown.getByText('Starting', { exact: true }).waitFor(soon);
  });

  it('is hibernated and resumed, and the hibernation is cancelled or done without a save', async () => {
    const session = add('a');
    site.fake.saves.work.set('a', fakeWork(oneFile));
    const page = await open();
    const shown = card(page, 'demo/first-light');
    const hibernate = shown.getByRole('button', { name: 'Hibernate demo/first-light at main' });
    await hibernate.press('Enter', soon);
    await shown.getByText('Hibernated', { exact: true }).waitFor(soon);
    await shown.getByRole('button', { name: 'Resume demo/first-light at main' }).click();
    await shown.getByText('Starting', { exact: true }).waitFor(soon);
    expect(requests('PATCH').map(({ body }) => body)).toMatchObject([{ state: 'hibernated' }, { state: 'running' }]);

    const saving: SavingStatus = { ...failedSave({ action: 'hibernate' }), failure: null };
    Object.assign(session.status, { state: 'stopping', message: 'Saving.', saving });
    await shown.getByRole('button', { name: 'Cancel the hibernation' }).click(soon);
    await expect.poll(() => requests('PATCH').length, soon).toBe(3);
    expect(requests('PATCH').at(-1)?.body).toMatchObject({ state: 'running' });

    site.fake.intercept = (method, _path) => {
      const error = { code: 1409, message: 'The work could not be saved.', detail: null, requestId: 'r' };
      if (method !== 'PATCH') return undefined;
      Object.assign(session.status, { state: 'running', saving: failedSave({ action: 'hibernate' }, null) });
      return { status: 409, body: { error } };
    };
    Object.assign(session.status, { state: 'running', message: null });
    await hibernate.click(soon);
    await shown.getByText('The git server does not accept the save.').waitFor(soon);
    expect(await shown.getByRole('alert').count()).toBe(0);
    site.fake.intercept = undefined;
    await shown.getByRole('button', { name: 'Hibernate without saving' }).click();
    const question = page.getByRole('dialog', { name: 'Hibernate demo/first-light at main without saving?' });
    await question.getByText('Its files stay on its volume').waitFor(soon);
    await question.getByRole('button', { name: 'Hibernate', exact: true }).click();
    await shown.getByText('Hibernated', { exact: true }).waitFor(soon);
    expect(requests('PATCH').at(-1)?.body).toEqual({ state: 'hibernated', force: true });
  });

  it('stays when a hibernated or failed session gets another size', async () => {
    const session = add('a', { state: 'failed', message: 'Out of memory.', launch: { resource_class_id: 1 } });
    const page = await open();
    const shown = card(page, 'demo/first-light');
    await shown.getByRole('button', { name: 'Size demo/first-light at main' }).press('Enter', soon);
    const question = page.getByRole('dialog', { name: 'Size of demo/first-light at main' });
    await question.getByText('0.5 cores, 1 GB memory').waitFor(soon);
    expect(await question.getByRole('radio', { name: /small \(now\)/ }).isChecked()).toBe(true);
    await question.getByRole('radio', { name: /large.*4 cores, 16 GB memory, 1 GPU/ }).check();
    await question.getByRole('button', { name: 'Change the size' }).click();
    await expect.poll(() => requests('PATCH').map(({ body }) => body), soon).toMatchObject([{ resource_class_id: 2 }]);
    await expect.poll(() => session.launch['resource_class_id']).toBe(2);
    expect(await shown.getByRole('button', { name: /^Hibernate/ }).count()).toBe(0);
  });

  it.each(['light', 'dark'] as const)('fits a phone and has enough contrast (%s)', async (colorScheme) => {
    add('a');
    add('b', { project: 'failed', saving: failedSave() });
    add('c', { project: 'kept', state: 'hibernated', saving: failedSave({}, null) });
    const saving: SavingStatus = { ...failedSave(), failure: null, done: 1, total: 4 };
    add('d', { project: 'stopping', state: 'stopping', message: 'Saving.', saving });
    for (const name of ['a', 'b']) site.fake.saves.work.set(name, much);
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme });
    await card(page, 'demo/first-light').getByRole('button', { name: /^Save/ }).click(soon);
    await page.getByRole('button', { name: 'Cancel the save' }).waitFor(soon);
    await card(page, 'demo/failed')
      .getByText(/^Files and commits/)
      .click(soon);
    const check = async () => {
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
      expect(await page.evaluate(smallTargets)).toEqual([]);
      expect(await page.evaluate(faintTexts)).toEqual([]);
      expect(await page.evaluate(unnamedControls)).toEqual([]);
    };
    await check();
    await page.getByRole('button', { name: 'Stop demo/failed at main' }).click();
    await page.getByRole('dialog').waitFor(soon);
    await check();
  });
});
