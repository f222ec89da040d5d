// The part of the host conformance suite about services.
import assert from 'node:assert/strict';
import type { HostHarness } from './host-harness.ts';
import { HostCommandError } from './host-errors.ts';

type Each = (what: string, run: (harness: HostHarness) => Promise<void>) => unknown;

const { signal } = new AbortController();
const UNIT = 'windlass-conformance.service';
const ABSENT = { isInstalled: false, isActive: false, state: 'dead' };

export function servicesConformance(each: Each): void {
  each(
    'a service is installed, started, stopped, uninstalled; twice is fine',
    async ({ host, units }) => {
      if (units === undefined) return;
      const { services } = host;
      assert.deepEqual(await services.state(UNIT, signal), ABSENT);
      await services.uninstall(UNIT, signal);
      await services.install(UNIT, units.running, signal);
      await services.install(UNIT, units.running, signal);
      assert.deepEqual(await services.state(UNIT, signal), {
        isInstalled: true,
        isActive: false,
        state: 'dead',
      });
      await services.start(UNIT, signal);
      await services.start(UNIT, signal);
      assert.deepEqual(await services.state(UNIT, signal), {
        isInstalled: true,
        isActive: true,
        state: 'running',
      });
      await services.stop(UNIT, signal);
      await services.stop(UNIT, signal);
      assert.equal((await services.state(UNIT, signal)).isActive, false);
      await services.start(UNIT, signal);
      await services.uninstall(UNIT, signal);
      await services.uninstall(UNIT, signal);
      assert.deepEqual(await services.state(UNIT, signal), ABSENT);
    },
  );

  each('a service that cannot start says so and is failed', async ({ host, units }) => {
    if (units === undefined) return;
    const { services } = host;
    await assert.rejects(services.start('windlass-absent.service', signal), HostCommandError);
    await services.install(UNIT, units.failing, signal);
    await assert.rejects(services.start(UNIT, signal), HostCommandError);
    assert.deepEqual(await services.state(UNIT, signal), {
      isInstalled: true,
      isActive: false,
      state: 'failed',
    });
    await services.uninstall(UNIT, signal);
  });

  each('names that are no units are refused', async ({ host }) => {
    for (const unit of ['x', '../x.service', 'a b.service', '']) {
      await assert.rejects(host.services.state(unit, signal), HostCommandError, unit);
      await assert.rejects(host.services.install(unit, '', signal), HostCommandError, unit);
    }
  });
}
