// The console in a real browser: signed in by the command, live, usable by what reads pages aloud, and no more than its user.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { HttpClient } from '#controllers/machinery/client.ts';
import { loadConnection } from '#controllers/machinery/kubeconfig.ts';
import { CLUSTERS, MACHINES, SERVICES } from '#controllers/machinery/resources.ts';
import { systemClock } from '#platform/clock.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { assertAccessible, missingBrowser, openTab, startBrowser } from '../support/browser.ts';
import type { WatchedPage } from '../support/browser.ts';
import { needs } from '../support/missing-part.ts';
import { tempDir } from '../support/temp-dir.ts';
import { endWindlass, startWindlass } from '../support/windlass.ts';
import type { Windlass } from '../support/windlass.ts';
import { ok } from '../support/windlass-command.ts';

/** Where to put pictures for the README; nowhere unless asked. */
const PICTURES = process.env['WINDLASS_SCREENSHOTS'];

/** A program whose log would be a script, draw on a terminal and turn the writing, if anybody let it. */
const HOSTILE = '<img src=x onerror=alert(1)> \u001b[31mred \u202egnirts';

function manifest(): string {
  const program = `console.log(${JSON.stringify(HOSTILE)}); setInterval(() => undefined, 1e6)`;
  const container = { name: 'main', image: 'none', command: ['node', '-e', program] };
  const service = {
    apiVersion: 'windlass.dev/v1alpha1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 1,
      updateStrategy: { monitorPeriod: '0s' },
      template: {
        metadata: { annotations: { note: '<b>bold</b>' } },
        spec: { terminationGracePeriodSeconds: 1, containers: [container] },
      },
    },
  };
  return JSON.stringify(service);
}

suite('the console', { ...needs(missingBrowser()), timeout: 900_000 }, () => {
  let windlass: Windlass;
  let url = '';
  let browser: Browser;
  let client: HttpClient;
  let tab: WatchedPage;

  before(async () => {
    const folder = tempDir();
    const file = join(folder, 'web.json');
    writeFileSync(file, manifest());
    writeFileSync(join(folder, 'tokens'), 'nobody-token,bob,,"none"\n');
    windlass = await startWindlass(
      { after: () => undefined },
      {
        dataDir: join(folder, 'data'),
        args: ['--manifests', file, '--token-auth-file', join(folder, 'tokens')],
      },
    );
    url = await windlass.ready();
    client = new HttpClient({
      connection: await loadConnection(windlass.kubeconfig),
      clock: systemClock,
      metrics: new MetricsRegistry(),
      userAgent: 'test',
      random: Math.random,
      fieldValidation: 'Strict',
    });
    browser = await startBrowser([Number(new URL(url).port)]);
    tab = await openTab(browser);
  });

  after(async () => {
    // Whatever was not there when the start failed does not keep the rest from ending.
    const ends = [() => browser.close(), () => client[Symbol.asyncDispose]()];
    await Promise.allSettled(ends.map(async (end) => end()));
    await endWindlass(windlass);
  });

  const signInAddress = async (): Promise<string> =>
    (await ok('console', '--print', '--data-dir', windlass.dataDir)).trim();

  const picture = async (name: string): Promise<void> => {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await tab.page.screenshot({ path: join(PICTURES, `${name}.png`) });
  };

  test('a browser without credentials is asked for them, and a wrong token says so', async () => {
    const { page } = tab;
    await page.goto(`${url}/console`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await assertAccessible(page);
    await page.getByLabel('Or paste a bearer token').fill('no-such-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('Unauthorized').waitFor();
  });

  test('windlass console signs in once, and its code is in no address afterwards', async () => {
    const { page, requests } = tab;
    const address = await signInAddress();
    const code = new URL(address).hash.slice('#code='.length);
    assert.ok(code.length >= 64);
    await page.goto(address);
    await page.getByRole('link', { name: 'web' }).waitFor();
    assert.equal(new URL(page.url()).hash, '#/services');
    assert.deepEqual(
      requests.filter((asked) => asked.includes(code) && !asked.startsWith(address)),
      [],
    );
    const second = await openTab(browser);
    await second.page.goto(address);
    await second.page.getByText('was used before, or is older than a minute').waitFor();
    await second.context.close();
    await assertAccessible(page);
    await picture('services');
  });

  test('a change is seen as it happens, and a button asks before it does anything', async () => {
    const { page } = tab;
    await page.getByRole('link', { name: 'web' }).click();
    await page.getByRole('heading', { name: 'web', level: 1 }).waitFor();
    await page.getByText('1/1 instances ready').waitFor();
    await client.patch(
      SERVICES,
      'default',
      'web',
      '',
      'merge',
      { spec: { replicas: 2 } },
      AbortSignal.timeout(90_000),
    );
    await page.getByText('2/2 instances ready').waitFor();

    await page.getByRole('button', { name: 'Scale' }).click();
    const dialog = page.getByRole('dialog', { name: 'Scale web' });
    await dialog.getByLabel('Instances').fill('0');
    await dialog.getByText('2 of 2 will be stopped').waitFor();
    await dialog.getByText('spec.replicas: 2 → 0').waitFor();
    await assertAccessible(page);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('2/2 instances ready').waitFor();

    await page.getByRole('button', { name: 'Scale' }).click();
    await dialog.getByLabel('Instances').fill('1');
    await dialog.getByText('spec.replicas: 2 → 1').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Done: Scale web').waitFor();
    await page.getByText('1/1 instances ready').waitFor();
    await assertAccessible(page);
    await picture('service');
  });

  test('the log of an instance is text, whatever is in it', async () => {
    const { page } = tab;
    await page.getByRole('link', { name: /^web-/ }).first().click();
    const log = page.getByRole('log');
    await log.getByText('<img src=x onerror=alert(1)> \\x1b[31mred \\u202egnirts').waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    await assertAccessible(page);
    await picture('instance');
  });

  test('every page can be reached by the keyboard, reads well, in the dark too', async () => {
    const { page } = tab;
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const name of ['Nodes', 'Machines', 'Persistence', 'Events', 'Services']) {
      await page.getByRole('link', { name, exact: true }).focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: new RegExp(`^${name}`), level: 1 }).waitFor();
      await page
        .getByRole('status')
        .filter({ hasText: /^(Live|Not shown)$/ })
        .or(page.getByRole('table'))
        .first()
        .waitFor();
      await assertAccessible(page);
    }
    await page.emulateMedia({ colorScheme: null });
  });

  const onService = async (name: string): Promise<void> => {
    await tab.page.goto(`${url}/console#/services/default/${name}`);
    await tab.page.getByRole('heading', { name, level: 1 }).waitFor();
  };
  const onWeb = (): Promise<void> => onService('web');
  const note = (text: string) => ({
    spec: { template: { metadata: { annotations: { note: text } } } },
  });

  test('a service is paused, resumed and rolled back, each after a question', async () => {
    const { page } = tab;
    await onWeb();
    const doIt = page.getByRole('dialog').getByRole('button', { name: 'Do it' });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('dialog').getByText('spec.paused: false → true').waitFor();
    await doIt.click();
    await page.getByText('Done: Pause web').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await doIt.click();
    await page.getByText('Done: Resume web').waitFor();

    await client.patch(
      SERVICES,
      'default',
      'web',
      '',
      'merge',
      note('two'),
      AbortSignal.timeout(90_000),
    );
    await page.getByRole('button', { name: 'Roll back to revision 1', exact: true }).click();
    await page
      .getByRole('dialog')
      .getByText(/annotations\.note: two → <b>bold/)
      .waitFor();
    await assertAccessible(page);
    await doIt.click();
    await page.getByText('Done: Roll web back to revision 1').waitFor();
    await page.getByText('1/1 instances ready').waitFor();
  });

  test('a rollout that waits is promoted, and one that is not wanted is aborted', async () => {
    const { page } = tab;
    const { spec } = JSON.parse(manifest()) as { readonly spec: object };
    const canary = { type: 'Canary', monitorPeriod: '0s', canary: { steps: [{ count: 1 }] } };
    await client.create(
      SERVICES,
      'default',
      { metadata: { name: 'shop' }, spec: { ...spec, replicas: 2, updateStrategy: canary } },
      AbortSignal.timeout(90_000),
    );
    const change = (text: string): Promise<unknown> =>
      client.patch(
        SERVICES,
        'default',
        'shop',
        '',
        'merge',
        note(text),
        AbortSignal.timeout(90_000),
      );
    await onService('shop');
    await page.getByText('2/2 instances ready').waitFor();
    await page.getByText('Nothing to do: all is as it is described').waitFor();
    const [promote, abort] = ['Promote', 'Abort'].map((name) =>
      page.getByRole('button', { name, exact: true }),
    );
    assert.ok(promote !== undefined && abort !== undefined);
    assert.equal(await promote.isDisabled(), true);
    const dialog = page.getByRole('dialog');

    await change('two');
    await page.getByText('Waits for promotion').waitFor();
    await promote.click();
    await dialog.getByText(/^The rollout of revision \S+ goes on after step 1\.$/).waitFor();
    await assertAccessible(page);
    await dialog.getByRole('button', { name: 'Do it' }).click();
    await page.getByText('Done: Promote shop').waitFor();
    await page.getByText('Nothing to do: all is as it is described').waitFor();

    await change('three');
    await page.getByText('Waits for promotion').waitFor();
    await abort.click();
    await dialog.getByText(/^Revision \S+ is given up, and all instances go back to /).waitFor();
    await dialog.getByRole('button', { name: 'Do it' }).click();
    await page.getByText('Done: Abort the rollout of shop').waitFor();
    await page.getByText('Waits for promotion').waitFor({ state: 'detached' });
    await client.delete(SERVICES, 'default', 'shop', {}, AbortSignal.timeout(90_000));
    await page.getByText('There is no service shop in default').waitFor();
  });

  test('machines and clusters have pages of their own, and what they are at', async () => {
    const { page } = tab;
    const signal = AbortSignal.timeout(90_000);
    const host = (name: string) => ({
      type: 'LocalDir',
      localDir: { path: join(windlass.dataDir, name) },
    });
    const machine = { version: '1', connection: host('nowhere') };
    await client.create(MACHINES, 'default', { metadata: { name: 'm1' }, spec: machine }, signal);
    const pool = {
      name: 'one',
      role: 'controller',
      hosts: [{ name: 'h1', connection: host('h1') }],
    };
    const cluster = { planOnly: true, version: '1.0', pools: [pool] };
    await client.create(CLUSTERS, 'default', { metadata: { name: 'c1' }, spec: cluster }, signal);
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await page.getByRole('link', { name: 'default/c1' }).click();
    await page.getByRole('heading', { name: 'c1', level: 1 }).waitFor();
    await page.getByText('0 of 1 machines are as described').waitFor();
    await page.getByText('create c1-h1').waitFor();
    await assertAccessible(page);
    await page.getByRole('link', { name: 'Machines', exact: true }).click();
    await page.getByRole('link', { name: 'default/m1' }).click();
    await page.getByRole('heading', { name: 'm1', level: 1 }).waitFor();
    await page.getByText(/^Unreachable: localDir\.path \S+: no such folder/).waitFor();
    await assertAccessible(page);
  });

  test('what is searched for is found among all kinds that one may see', async () => {
    const { page } = tab;
    await page.getByLabel('Search by name').fill('EB');
    await page.keyboard.press('Enter');
    const services = page.getByRole('region', { name: 'Services' });
    await services.getByRole('link', { name: 'default/web', exact: true }).waitFor();
    await page
      .getByRole('region', { name: 'Instances' })
      .getByRole('link', { name: /^default\/web-/ })
      .first()
      .waitFor();
    await page.getByText(/^[1-9]\d* found among [1-9]\d* names$/).waitFor();
    assert.equal(await page.getByRole('region', { name: 'Machines' }).count(), 0);
    await assertAccessible(page);
    await page.getByLabel('Search by name').fill('m1');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'default/m1' }).click();
    await page.getByRole('heading', { name: 'm1', level: 1 }).waitFor();
    await page.getByLabel('Search by name').fill('of-no-name');
    await page.keyboard.press('Enter');
    await page.getByText(/^0 found among [1-9]\d* names$/).waitFor();
  });

  test('a node is drained: what goes is shown until it is gone, and it takes instances again', async () => {
    const { page } = tab;
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('link', { name: /^web-/ }).first().waitFor();
    await page.getByRole('button', { name: 'Drain' }).click();
    const dialog = page.getByRole('dialog', { name: /^Drain / });
    await dialog.getByText(/^default\/web-\S+: Service web makes it again$/).waitFor();
    await assertAccessible(page);
    await picture('drain');
    await dialog.getByRole('button', { name: 'Do it' }).click();
    await dialog.getByText('All that had to go is gone. The node stays cordoned.').waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText(/^Done: Drain /).waitFor();
    await page.getByRole('button', { name: 'Uncordon' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Do it' }).click();
    await page.getByText(/^Done: Uncordon /).waitFor();
    await onWeb();
    await page.getByText('1/1 instances ready').waitFor();
  });

  test('the persistence page draws the last hour, and says it in words', async () => {
    const { page } = tab;
    await page.getByRole('link', { name: 'Persistence', exact: true }).click();
    await page.getByRole('img', { name: /^Latency over the last hour: \S+ m?s at most/ }).waitFor();
    await page
      .getByRole('img', { name: 'Behind over the last hour: 0 ms at most, 0 ms at last' })
      .waitFor();
    await assertAccessible(page);
  });

  test('whoever may not see something is told so, and the page goes on', async () => {
    const other = await openTab(browser);
    const { page } = other;
    await page.goto(`${url}/console`);
    await page.getByLabel('Or paste a bearer token').fill('nobody-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('You may not see services').waitFor();
    await page.getByText('User "bob" cannot list resource "services"').waitFor();
    await page.getByText('Those of one namespace you may be allowed to see').waitFor();
    await assertAccessible(page);
    await page.getByLabel('Search by name').fill('web');
    await page.keyboard.press('Enter');
    await page.getByText(/^Not looked at, since you may not see them: Services, /).waitFor();
    await page.getByText('0 found among 0 names').waitFor();
    await page.getByRole('link', { name: 'Nodes' }).click();
    await page.getByText('You may not see nodes').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.deepEqual(other.problems, []);
    await other.context.close();
  });

  test('signing out ends the session for everybody who has it', async () => {
    const { page, problems, requests } = tab;
    const kept = await page.evaluate("sessionStorage.getItem('windlass-session')");
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.evaluate(`sessionStorage.setItem('windlass-session', ${JSON.stringify(kept)})`);
    await page.reload();
    await page.getByText('The session is over: sign in again.').waitFor();
    assert.deepEqual(problems, [], 'no error, and nothing that the policy of the page refused');
    assert.deepEqual(
      requests.filter(
        (asked) => !asked.startsWith(url) && !asked.startsWith(url.replace('https', 'wss')),
      ),
      [],
      'nothing is asked of anybody else',
    );
  });
});
