// One pass over one machine that its distribution drives: look, prepare, wait for the permit, then drain, stop, install, start, verify,
// uncordon. Whoever ends in between is followed by somebody who looks again; what was done is seen and not done twice.
import { sleep } from '#platform/clock.ts';
import { DrainError } from '../machinery/drain-node.ts';
import { readDrainSettings } from '../machinery/drain-settings.ts';
import { isNotFound } from '../machinery/request-error.ts';
import { rolloutPermit } from '../machine/rollout-permit.ts';
import { MACHINES } from '../machinery/resources.ts';
import { HostOffError, memberOf, NotYetError } from './member-driver.ts';
import type { Member, MemberDriver, Situation } from './member-driver.ts';
import { needsOf } from './member-needs.ts';
import { MemberJournal, messageOf } from './member-journal.ts';
import { answerOperation } from './member-operation.ts';
import { MEMBER_FINALIZER } from './member-options.ts';
import type { Again, MemberOptions } from './member-options.ts';
import { isUnreachable, NotReady } from './member-problems.ts';
import { takeFromHost, wasTouched } from './member-removal.ts';
import { versionsOf } from './member-status.ts';
import type { MemberNews } from './member-status.ts';
import { DRAIN_ANNOTATION, ENDPOINT_ANNOTATION } from './types.ts';
import type { Cluster, Machine } from './types.ts';
import { isSameVersion } from './versions.ts';
import { isController } from './wanted-machines.ts';

const VERIFY_EVERY_MS = 1_000;
const VERIFY_WITHIN_MS = 300_000;
const LETS_GO = '; with spec.deletionPolicy: Retain the Machine goes, and its host stays as it is';

export class MemberRun {
  readonly #journal: MemberJournal;
  readonly #member: Member;
  readonly #options: MemberOptions;
  /** Of what is declared for its host, as far as somebody looked. */
  #content = '';

  constructor(
    machine: Machine,
    cluster: Cluster,
    peers: readonly Machine[],
    options: MemberOptions,
  ) {
    this.#journal = new MemberJournal(machine, options.client, options.clock);
    this.#options = options;
    this.#member = memberOf(machine, cluster, peers);
  }

  async bring(signal: AbortSignal): Promise<Again> {
    await answerOperation(this.#journal, signal);
    try {
      await using driver = await this.#options.open(this.#member, signal);
      return await this.#bringWith(driver, signal);
    } catch (error) {
      signal.throwIfAborted();
      return await this.#failed(error, signal);
    }
  }

  async remove(signal: AbortSignal): Promise<Again> {
    const { machine } = this.#journal;
    try {
      if (machine.spec.deletionPolicy !== 'Retain') {
        if (wasTouched(machine))
          await takeFromHost(this.#member, this.#journal, this.#options, signal);
        await this.#options.removeHost?.(this.#journal.machine, signal);
      }
    } catch (error) {
      signal.throwIfAborted();
      const message = `${messageOf(error)}${error instanceof DrainError ? '' : LETS_GO}`;
      await this.#journal.say(
        { conditions: [['Ready', 'False', 'RemovalFailed', message]] },
        signal,
      );
      return 'soon';
    }
    const { namespace = '', name, finalizers = [] } = this.#journal.machine.metadata;
    const metadata = { finalizers: finalizers.filter((one) => one !== MEMBER_FINALIZER) };
    try {
      const { client } = this.#options;
      await client.patch(MACHINES, namespace, name, '', 'merge', { metadata }, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return 'later';
  }

  async #bringWith(driver: MemberDriver, signal: AbortSignal): Promise<Again> {
    const situation = await driver.look(signal);
    this.#content = situation.content ?? '';
    const wantsStopped = this.#journal.machine.spec.powerState === 'Stopped';
    const needs = needsOf(situation, this.#member.version);
    if (wantsStopped) return this.#power(driver, situation, signal);
    if (needs.length === 0) return this.#settle(driver, situation, signal);
    if (this.#hasGivenUp()) return 'later';
    await this.#journal.step('Prepare', () => driver.prepare(signal), signal);
    if (!this.#isPermitted() || !this.#isSaid()) {
      await this.#journal.say(
        {
          phase: situation.isRunning ? 'Ready' : situation.isInstalled ? 'Joining' : 'Pending',
          ...versionsOf(situation),
          ...this.#contentNews,
          conditions: [
            ['Reachable', 'True', 'Reachable', ''],
            ['UpToDate', 'False', 'Outdated', `${needs.join(', ')} to be changed`],
            ['Drained', 'False', 'WaitingForBudget', 'waits until the cluster lets it go on'],
            ['NodeReady', situation.isRunning ? 'True' : 'False', 'Seen', ''],
            ['RolledBack', 'False', 'NewGoal', ''],
          ],
        },
        signal,
      );
      return 'later';
    }
    return this.#change(driver, situation, needs, signal);
  }

  async #change(
    driver: MemberDriver,
    situation: Situation,
    needs: readonly string[],
    signal: AbortSignal,
  ): Promise<Again> {
    const say = (type: string, is: 'True' | 'False', reason: string, message = ''): Promise<void> =>
      this.#journal.say({ conditions: [[type, is, reason, message]] }, signal);
    await say('UpToDate', 'False', 'Updating', `${needs.join(', ')} being changed`);
    if (situation.isRunning) {
      await this.#backUp(driver, situation, signal);
      await this.#journal.step(
        'Drain',
        async () => {
          await driver.cordon(signal);
          try {
            await this.#drain(driver, signal);
          } catch (error) {
            await driver.uncordon(signal);
            throw error;
          }
        },
        signal,
      );
      await say('Drained', 'True', 'Drained');
      await this.#journal.say(
        { phase: 'Joining', conditions: [['NodeReady', 'False', 'Stopped', '']] },
        signal,
      );
      await this.#journal.step('Stop', () => driver.stop(signal), signal);
    }
    try {
      if (!situation.isInstalled || needs.some((need) => need !== 'stopped'))
        await this.#journal.step('Install', () => driver.install(signal), signal);
      await this.#journal.step('Start', () => driver.start(signal), signal);
      await this.#journal.step('Verify', () => this.#verified(driver, 'wanted', signal), signal);
    } catch (error) {
      if (!(error instanceof NotReady) || !situation.isInstalled) throw error;
      const isBack = await driver.rollBack(signal);
      if (!isBack) throw error;
      await driver.start(signal);
      await this.#verified(driver, 'any', signal);
      await driver.uncordon(signal);
      await this.#giveUp(
        'Ready',
        [
          ['RolledBack', 'True', 'VerifyFailed', error.message],
          ['NodeReady', 'True', 'Ready', ''],
        ],
        signal,
      );
      return 'later';
    }
    return this.#settle(driver, await driver.look(signal), signal);
  }

  /** Only a controller has a state, and only a running one can give it. Without a backup nothing is stopped. */
  async #backUp(driver: MemberDriver, situation: Situation, signal: AbortSignal): Promise<void> {
    const { cluster, role, version } = this.#member;
    const isUpgrade = version !== undefined && !isSameVersion(situation.runningVersion, version);
    if (!isUpgrade || !isController(role) || cluster.spec.rollout?.backup === false) return;
    if (driver.backup === undefined) return;
    await this.#journal.step('Backup', () => driver.backup?.(signal), signal);
  }

  async #settle(driver: MemberDriver, situation: Situation, signal: AbortSignal): Promise<Again> {
    await driver.uncordon(signal);
    const mended = (await driver.mend?.(signal)) ?? [];
    if (mended.length > 0) this.#tell('Warning', 'Drifted', `${mended.join('; ')}: put right`);
    this.#content = situation.content ?? '';
    const missing = await driver.verify('wanted', signal);
    if (missing !== undefined) {
      await this.#journal.say(
        {
          phase: 'Joining',
          ...versionsOf(situation),
          conditions: [
            ['Reachable', 'True', 'Reachable', ''],
            ['NodeReady', 'False', 'NotReady', missing.why],
          ],
        },
        signal,
      );
      return 'soon';
    }
    const { endpoint } = driver;
    const { metadata } = this.#journal.machine;
    if (endpoint !== undefined && metadata.annotations?.[ENDPOINT_ANNOTATION] !== endpoint) {
      const patch = { metadata: { annotations: { [ENDPOINT_ANNOTATION]: endpoint } } };
      this.#journal.machine = await this.#options.client.patch<Machine>(
        MACHINES,
        metadata.namespace ?? '',
        metadata.name,
        '',
        'merge',
        patch,
        signal,
      );
    }
    await this.#journal.say(
      {
        phase: 'Ready',
        goalHash: this.#journal.target,
        ...this.#contentNews,
        nodeRef: { name: driver.nodeName },
        ...versionsOf(situation),
        conditions: [
          ['Reachable', 'True', 'Reachable', ''],
          ['UpToDate', 'True', 'UpToDate', ''],
          ['Drained', 'True', 'Done', ''],
          ['NodeStarted', 'True', 'Started', ''],
          ['NodeReady', 'True', 'Ready', ''],
          ['RolledBack', 'False', 'UpToDate', ''],
          ['Ready', 'True', 'Ready', ''],
        ],
      },
      signal,
    );
    return 'later';
  }

  async #power(driver: MemberDriver, situation: Situation, signal: AbortSignal): Promise<Again> {
    if (situation.isRunning) {
      // Machines of a cluster that is stopped go in turn; what somebody stops by itself goes at once.
      if (this.#member.cluster.spec.powerState === 'Stopped' && !this.#isPermitted())
        return 'later';
      await this.#journal.step('Stop', () => driver.stop(signal), signal);
    }
    await this.#options.powerOff?.(this.#journal.machine, signal);
    await this.#journal.say(
      {
        phase: 'Stopped',
        goalHash: this.#journal.target,
        conditions: [
          ['NodeReady', 'False', 'Stopped', ''],
          ['Ready', 'False', 'Stopped', ''],
          ['Reachable', 'True', 'Reachable', ''],
        ],
      },
      signal,
    );
    return 'later';
  }

  async #drain(driver: MemberDriver, signal: AbortSignal): Promise<void> {
    const { annotations } = this.#journal.machine.metadata;
    await driver.drain(readDrainSettings(annotations?.[DRAIN_ANNOTATION]), signal);
  }

  async #verified(
    driver: MemberDriver,
    version: 'wanted' | 'any',
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, verifyWithinMs = VERIFY_WITHIN_MS } = this.#options;
    const end = clock.monotonic() + verifyWithinMs;
    for (;;) {
      const missing = await driver.verify(version, signal);
      if (missing === undefined) return;
      const failure =
        missing.hasEnded === true ? await this.#startedAgain(driver, signal) : undefined;
      const why = failure ?? missing.why;
      await this.#journal.say({ conditions: [['NodeReady', 'False', 'NotReady', why]] }, signal);
      if (clock.monotonic() >= end)
        throw new NotReady(
          `not ready after ${Math.round(verifyWithinMs / 1000)} s: ${missing.why}`,
        );
      await sleep(clock, Math.min(VERIFY_EVERY_MS, verifyWithinMs), signal);
    }
  }

  /** A program that ends soon after its start has nobody but us where no service manager watches over it. @returns why that failed */
  async #startedAgain(driver: MemberDriver, signal: AbortSignal): Promise<string | undefined> {
    try {
      await driver.start(signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (isUnreachable(error)) throw error;
      return messageOf(error);
    }
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<Again> {
    const message = messageOf(error);
    if (isUnreachable(error)) {
      await this.#journal.say(
        {
          conditions: [
            ['Reachable', 'False', 'Unreachable', message],
            ['NodeReady', 'False', 'Unreachable', message],
          ],
        },
        signal,
      );
      return 'soon';
    }
    if (error instanceof HostOffError) return this.#saidOff(message, signal);
    if (error instanceof NotYetError) {
      await this.#journal.say({ conditions: [['UpToDate', 'False', 'Waiting', message]] }, signal);
      return 'soon';
    }
    if (error instanceof DrainError) {
      await this.#giveUp('Ready', [['Drained', 'False', 'DrainTimeout', message]], signal);
      return 'later';
    }
    await this.#giveUp('Failed', [['Ready', 'False', 'StepFailed', message]], signal);
    return 'later';
  }

  async #saidOff(message: string, signal: AbortSignal): Promise<Again> {
    const isWanted = this.#journal.machine.spec.powerState === 'Stopped';
    await this.#journal.say(
      {
        ...(isWanted ? { phase: 'Stopped', goalHash: this.#journal.target } : {}),
        conditions: [
          ['NodeReady', 'False', 'Stopped', message],
          ['Ready', 'False', 'Stopped', message],
        ],
      },
      signal,
    );
    return isWanted ? 'later' : 'soon';
  }

  /** Not again, until something else is wanted or somebody asks for it. */
  async #giveUp(
    phase: string,
    conditions: NonNullable<MemberNews['conditions']>,
    signal: AbortSignal,
  ): Promise<void> {
    const news = { phase, ...this.#contentNews, quarantined: [this.#goal], conditions };
    await this.#journal.say(news, signal);
    const [, , reason = 'Failed', message = ''] = conditions[0] ?? [];
    this.#tell('Warning', reason, message);
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#options.events.record(MACHINES, this.#journal.machine, type, reason, message);
  }

  /** What it is to become, with what is declared for its host. */
  get #goal(): string {
    const { target } = this.#journal;
    return this.#content === '' ? target : `${target}+${this.#content}`;
  }

  get #contentNews(): Pick<MemberNews, 'contentHash'> {
    return this.#content === '' ? {} : { contentHash: this.#content };
  }

  #hasGivenUp(): boolean {
    return this.#journal.machine.status?.quarantined?.includes(this.#goal) === true;
  }

  /** Whether a permit can be for what was found now: it is given for what its status says. */
  #isSaid(): boolean {
    const { status } = this.#journal.machine;
    const isNew = this.#content !== '' && this.#content !== status?.contentHash;
    return !isNew || !rolloutPermit(this.#journal.machine).isReached;
  }

  #isPermitted(): boolean {
    return rolloutPermit(this.#journal.machine).isGiven;
  }
}
