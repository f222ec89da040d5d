import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep, systemClock } from '#platform/clock.ts';
import { FakeClock } from '#controllers/machinery/machinery-fixture.ts';
import { seededRandom } from '#test/support/seed.ts';
import { hostConformance } from '../conformance.ts';
import { sha256 } from '../host-content.ts';
import { DigestMismatchError, HostCommandError, HostUnreachableError } from '../host-errors.ts';
import { faultAt, randomFaults, SimulatedCrashError } from './simulated-faults.ts';
import type { SimulatedFault } from './simulated-faults.ts';
import { SimulatedFleet } from './simulated-fleet.ts';
import { SimulatedHost } from './simulated-host.ts';
import { SimulatedMachine } from './simulated-machine.ts';

const { signal } = new AbortController();

hostConformance({
  test,
  name: 'sim',
  async open() {
    const machine = new SimulatedMachine({ name: 'simulated', clock: systemClock });
    let hanging = 0;
    machine.onCommand('arguments', ({ argv }) => ({
      stdout: argv
        .slice(1)
        .map((arg) => `${arg}\n`)
        .join(''),
    }));
    machine.onCommand('three', () => ({ exitCode: 3 }));
    machine.onCommand('flood', () => ({ stdout: 'x'.repeat(2 << 20) }));
    machine.onCommand('hang', async (command) => {
      hanging++;
      await sleep(systemClock, 600_000, command.signal).finally(() => hanging--);
    });
    machine.units.onUnit(/conformance/, {
      start: (_, content) => {
        if (content.includes('/bin/false')) throw new Error('ended with exit code 1');
      },
    });
    machine.files.makeFolders('/srv/test');
    return {
      host: new SimulatedHost(machine),
      base: '/srv/test',
      commands: {
        printArguments: ['arguments'],
        exitWith3: ['/usr/bin/three'],
        copyInput: ['cat'],
        printEnvironment: ['env'],
        flood: ['flood'],
        hang: ['hang'],
      },
      isHanging: async () => hanging > 0,
      link: async (path, target) => machine.files.link(path, target),
      units: { running: 'ExecStart=/bin/sleep 600', failing: 'ExecStart=/bin/false' },
    };
  },
});

function machineWith(number: number, fault: SimulatedFault): SimulatedMachine {
  const machine = new SimulatedMachine({ name: 'one', clock: new FakeClock() });
  machine.write('/file', 'old');
  machine.faults = faultAt(number, fault);
  return machine;
}

const contentOf = (machine: SimulatedMachine): string =>
  Buffer.from(machine.files.read('/file') ?? '').toString();

test('each fault does what it says, once', async () => {
  const cases: readonly [SimulatedFault, new (...args: never[]) => Error, string][] = [
    [{ kind: 'unreachable' }, HostUnreachableError, 'old'],
    [{ kind: 'answerLost' }, HostUnreachableError, 'new'],
    [{ kind: 'commandFailure' }, HostCommandError, 'old'],
    [{ kind: 'diskFull' }, HostCommandError, 'old'],
    [{ kind: 'wrongDigest' }, DigestMismatchError, 'old'],
  ];
  for (const [fault, type, after] of cases) {
    const machine = machineWith(1, fault);
    const host = new SimulatedHost(machine);
    await assert.rejects(host.putFile('/file', 'new', { signal }), type, fault.kind);
    assert.equal(contentOf(machine), after, fault.kind);
    assert.deepEqual(machine.files.list('/'), ['file'], fault.kind);
    assert.equal(await host.putFile('/file', 'newer', { signal }), sha256('newer'));
  }
  const failing = new SimulatedHost(
    machineWith(1, { kind: 'commandFailure', exitCode: 7, message: 'no\n' }),
  );
  assert.deepEqual(await failing.exec(['true'], { signal }), {
    exitCode: 7,
    stdout: '',
    stderr: 'no\n',
  });
});

test('a caller that crashed is dead for good; the machine is as it was left, and another can connect', async () => {
  const machine = machineWith(2, { kind: 'crash' });
  const host = new SimulatedHost(machine);
  await host.exec(['true'], { signal });
  await assert.rejects(host.putFile('/file', 'new', { signal }), SimulatedCrashError);
  await assert.rejects(host.stat('/file', signal), SimulatedCrashError);
  assert.equal(contentOf(machine), 'old');
  const next = new SimulatedHost(machine);
  await next.putFile('/file', 'new', { signal });
  assert.equal(contentOf(machine), 'new');
  const after = machineWith(1, { kind: 'crashAfter' });
  await assert.rejects(
    new SimulatedHost(after).exec(['mkdir', '/made'], { signal }),
    SimulatedCrashError,
  );
  assert.deepEqual(after.files.list('/'), ['file', 'made']);
});

test('a restart takes its time, empties /run and brings back what is enabled', async () => {
  const clock = new FakeClock();
  const machine = new SimulatedMachine({ name: 'one', clock, rebootMs: 5000 });
  const host = new SimulatedHost(machine);
  await host.putFile('/run/state', 'x', { signal });
  machine.units.install('on.service', '');
  machine.units.start('on.service');
  machine.units.install('off.service', '');
  await host.exec(['systemctl', 'reboot'], { signal });
  await assert.rejects(host.facts(signal), HostUnreachableError);
  clock.advance(5000);
  assert.equal((await host.facts(signal)).hostname, 'one');
  assert.equal(await host.stat('/run/state', signal), undefined);
  assert.deepEqual(machine.units.running, ['on.service']);
  assert.equal(machine.bootCount, 2);
});

test('a full disk refuses what does not fit and keeps what there is', async () => {
  const machine = new SimulatedMachine({ name: 'one', clock: new FakeClock(), diskBytes: 10 });
  const host = new SimulatedHost(machine);
  await host.putFile('/a', '12345678', { signal });
  await assert.rejects(host.putFile('/b', '123', { signal }), /no space left/);
  await host.remove('/a', signal);
  await host.putFile('/b', '123', { signal });
  assert.deepEqual(machine.files.list('/'), ['b']);
});

test('slow calls wait on the clock of the machine', async () => {
  const clock = new FakeClock();
  const machine = new SimulatedMachine({ name: 'one', clock, latencyMs: 100 });
  machine.faults = faultAt(1, { kind: 'slow', delayMs: 900 });
  let facts: unknown;
  const asked = new SimulatedHost(machine).facts(signal).then((found) => (facts = found));
  clock.advance(999);
  await Promise.resolve();
  assert.equal(facts, undefined);
  clock.advance(1);
  await asked;
  assert.ok(facts);
});

test('the same seed gives the same faults, in the share that was asked for', () => {
  const drawn = (seed: number): readonly (string | undefined)[] => {
    const random = seededRandom(seed);
    const faults = randomFaults(() => random.next(1 << 30) / (1 << 30), {
      unreachable: 0.2,
      crash: 0.1,
    });
    return Array.from(
      { length: 1000 },
      (_, number) => faults({ number, operation: 'x', subject: '' })?.kind,
    );
  };
  assert.deepEqual(drawn(7), drawn(7));
  const share = drawn(7).filter((kind) => kind === 'unreachable').length;
  assert.ok(share > 140 && share < 260, `${share}`);
  assert.ok(drawn(7).includes('crash'));
});

test('a fleet makes machines when they are asked for, and prepares each once', async () => {
  const prepared: string[] = [];
  const fleet = new SimulatedFleet(new FakeClock(), (machine) => prepared.push(machine.name));
  assert.equal(fleet.machine('a'), fleet.machine('a'));
  fleet.machine('b');
  assert.deepEqual(prepared, ['a', 'b']);
  assert.notEqual(fleet.machine('a').facts.machineId, fleet.machine('b').facts.machineId);
});
