// Limits as everybody who shares them sees them: the most that was under way at one moment is counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#platform/clock.ts';
import { SimulatedHost } from './sim/simulated-host.ts';
import { SimulatedMachine } from './sim/simulated-machine.ts';
import { limitedHost, LimitGroups, unlimited } from './work-limits.ts';
import type { HostDriver } from './host-driver.ts';

const { signal } = new AbortController();

/** Everything that was begun waits here until somebody opens the gate. */
class Gate {
  active = 0;
  most = 0;
  readonly #open = Promise.withResolvers<void>();

  async through(): Promise<void> {
    this.active += 1;
    this.most = Math.max(this.most, this.active);
    await this.#open.promise;
    this.active -= 1;
  }

  open(): void {
    this.#open.resolve();
  }
}

/** Every promise that can go on has gone on. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 20; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

function hostThrough(gate: Gate): HostDriver {
  const host = new SimulatedHost(new SimulatedMachine({ name: 'h', clock: systemClock }));
  host.putFile = async () => {
    await gate.through();
    return '';
  };
  return host;
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
}

test('files that are sent to the hosts of one Cluster are no more at a time than it says', async () => {
  const groups = new LimitGroups();
  const gate = new Gate();
  // Two controllers, one group.
  const first = groups.of('default/home', { uploads: 3 });
  const second = groups.of('default/home', { uploads: 3 });
  const sent = Array.from({ length: 12 }, (_, at) =>
    limitedHost(hostThrough(gate), at % 2 === 0 ? first : second).putFile('/x', bytes(), {
      signal,
    }),
  );
  await quiet();
  assert.equal(gate.active, 3);
  gate.open();
  await Promise.all(sent);
  assert.equal(gate.most, 3);
});

test('texts wait for nobody, and neither do machines of no Cluster', async () => {
  const gate = new Gate();
  const limits = new LimitGroups().of('default/home', { uploads: 1 });
  const texts = Array.from({ length: 4 }, () =>
    limitedHost(hostThrough(gate), limits).putFile('/unit', 'a unit', { signal }),
  );
  const free = Array.from({ length: 4 }, () =>
    limitedHost(hostThrough(gate), unlimited).putFile('/x', bytes(), { signal }),
  );
  await quiet();
  assert.equal(gate.active, 8);
  gate.open();
  await Promise.all([...texts, ...free]);
});

test('a limit that is raised lets in who waits; one that is lowered holds the next', async () => {
  const groups = new LimitGroups();
  const gate = new Gate();
  const work = (): Promise<void> =>
    groups.of('c', { downloads: 2 }).downloads.run(signal, () => gate.through());
  const running = Array.from({ length: 6 }, work);
  await quiet();
  assert.equal(gate.active, 2);
  groups.of('c', { downloads: 4 });
  await quiet();
  assert.equal(gate.active, 4);
  groups.of('c', { downloads: 1 });
  gate.open();
  await Promise.all(running);
  assert.equal(gate.most, 4);
});

test('without a turn nothing is worked on, and the others are 30 and 5', async () => {
  const limits = new LimitGroups().of('c', {});
  const gate = new Gate();
  const working = Array.from({ length: 31 }, () => limits.operations.tryRun(() => gate.through()));
  const loading = Array.from({ length: 9 }, () => limits.uploads.run(signal, () => gate.through()));
  await quiet();
  assert.equal(gate.active, 35);
  assert.equal(await limits.operations.tryRun(async () => 'a turn'), undefined);
  gate.open();
  await Promise.all([...working, ...loading]);
  assert.equal(await limits.operations.tryRun(async () => 'a turn'), 'a turn');
});
