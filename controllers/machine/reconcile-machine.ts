// One reconciliation of a Machine: operations that were asked for, its power, its run as far as it goes, drift now and then.
import type { Clock } from '#platform/clock.ts';
import { parseDuration } from '../machinery/duration.ts';
import type { HostDriver } from '../hosts/host-driver.ts';
import { HostUnreachableError } from '../hosts/host-errors.ts';
import { NoHostError } from '../infra-provider/provided-host.ts';
import type { ProvidedHosts } from '../infra-provider/provided-host.ts';
import type { ApiObject, Client } from '../machinery/client-types.ts';
import type { EventType } from '../machinery/events.ts';
import { DONE } from '../machinery/controller.ts';
import type { ReconcileResult } from '../machinery/controller.ts';
import { GoalError } from '../rootfs/goal-state.ts';
import type { RootFS } from '../rootfs/goal-state.ts';
import { advance } from './advance.ts';
import { correctDrift, correctNode } from './correct-drift.ts';
import { findDrift, stagedIn } from './drift.ts';
import type { DriftInput } from './drift.ts';
import type { HostWork } from './host-work.ts';
import type { MachineDrain } from './machine-drain.ts';
import type { MachineFacts } from './machine-conditions.ts';
import { contentWords } from './machine-content.ts';
import type { MachineContent } from './machine-content.ts';
import { specHash } from './machine-goal.ts';
import { answerOperation } from './answer-operation.ts';
import { askedOperation } from './machine-operations.ts';
import type { MachineStore } from './machine-store.ts';
import { StepError } from './machine-work.ts';
import { isNodeReady } from './node-answer.ts';
import type { ReadyNode } from './node-answer.ts';
import { providedMachine } from './open-machine-host.ts';
import type { OpenMachineHost } from './open-machine-host.ts';
import { stopSlot } from './run-slot.ts';
import { rolloutPermit } from './rollout-permit.ts';
import { beginRun, stateOf } from './run-state.ts';
import type { Machine, MachineStatus } from './types.ts';
import { isUntouched } from './untouched.ts';

export interface ReconcileOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly store: MachineStore;
  readonly openHost: OpenMachineHost;
  /** For machines whose hosts a provider makes. */
  readonly hosts: Pick<ProvidedHosts, 'stop' | 'remove'>;
  readonly nodes: MachineDrain;
  readonly workOn: (machine: Machine, host: HostDriver) => HostWork;
  /** The newest of the object that is known here; undefined when it is gone. */
  readonly newest: () => Machine | undefined;
  readonly node: () => (ReadyNode & ApiObject) | undefined;
  /** Whether it is time to look for drift; asking notes that it was done. */
  readonly isDriftDue: () => boolean;
  /** What its Artifacts and local files hold, where that is not what it has. @param isDriftDue look, whatever anybody noted */
  readonly changedContent: (
    isDriftDue: boolean,
    signal: AbortSignal,
  ) => Promise<MachineContent | undefined>;
  readonly driftEveryMs: number;
  readonly tell: (type: EventType, reason: string, message: string) => void;
}

const REFUSED_AGAIN_MS = 60_000;
const UNREACHABLE_AGAIN_MS = 15_000;
const VERIFY_MS = 300_000;
const LETS_GO = '; with spec.deletionPolicy: Retain it goes, and its host stays as it is';
const SOON: ReconcileResult = { outcome: 'requeueAfter', delayMs: 1_000 };

export async function reconcileMachine(
  options: ReconcileOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { store } = options;
  const { machine } = store;
  const isDeleting = machine.metadata.deletionTimestamp !== undefined;
  if (!isDeleting) await store.setFinalizer(true, signal);
  else if (machine.spec.deletionPolicy === 'Retain') {
    await store.setFinalizer(false, signal);
    return DONE;
  }
  const status = machine.status ?? {};
  const isResting = !isDeleting && isAtRest(machine);
  const isDriftDue = isResting && options.isDriftDue();
  const mayBegin = isResting || (!isDeleting && isUndisturbed(status));
  const changed = mayBegin ? await options.changedContent(isDriftDue, signal) : undefined;
  if (isResting && !isDriftDue && changed === undefined) {
    await store.save(status, restingFacts(options), signal);
    return { outcome: 'requeueAfter', delayMs: options.driftEveryMs };
  }
  let host: HostDriver | 'off';
  try {
    if (isDeleting) {
      const taken = await takeHostAway(options, signal);
      if (taken !== undefined) return taken;
    }
    host = await options.openHost(machine, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // How it was to be reached may have been wrong all along.
    if (isDeleting && machine.spec.providerRef === undefined && isUntouched(machine.status)) {
      await store.setFinalizer(false, signal);
      return DONE;
    }
    const why = error instanceof Error ? error.message : String(error);
    const message = isDeleting ? `${why}${LETS_GO}` : why;
    const isNoHost = error instanceof NoHostError;
    const isAway = isNoHost ? error.isPassing : error instanceof HostUnreachableError;
    const facts = {
      ...(isAway ? { unreachable: message } : { refused: message }),
      ...(isNoHost ? { noHost: { reason: error.reason, message } } : {}),
    };
    await store.save(status, { ...nodeFacts(options), ...facts }, signal);
    return { outcome: 'requeueAfter', delayMs: isAway ? UNREACHABLE_AGAIN_MS : REFUSED_AGAIN_MS };
  }
  if (host === 'off') return restWithoutHost(options, signal);
  try {
    const work = options.workOn(machine, host);
    return isDeleting
      ? await takeAway(options, work, signal)
      : await bringForward(options, host, work, changed, signal);
  } catch (error) {
    if (!(error instanceof HostUnreachableError) || signal.aborted) throw error;
    const facts = { ...nodeFacts(options), unreachable: error.message };
    await store.save(store.machine.status ?? {}, facts, signal);
    return { outcome: 'requeueAfter', delayMs: UNREACHABLE_AGAIN_MS };
  } finally {
    await host[Symbol.asyncDispose]();
  }
}

/** Its host is off, as it shall be: there is nobody to ask. */
async function restWithoutHost(
  options: ReconcileOptions,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { store } = options;
  const { status = {} } = store.machine;
  const asked = askedOperation(store.machine);
  const message = 'its host is off; set spec.powerState to Running first';
  const operation = asked && { ...asked, phase: 'Failed' as const, message };
  const next = operation === undefined ? status : { ...status, operation };
  await store.save(next, { ...nodeFacts(options), isStopped: true }, signal);
  return DONE;
}

/** Off with it, where a provider has power over it. */
async function stopHost({ hosts, store }: ReconcileOptions, signal: AbortSignal): Promise<void> {
  const provided = providedMachine(store.machine);
  if (provided !== undefined) await hosts.stop(provided, signal);
}

async function bringForward(
  options: ReconcileOptions,
  host: HostDriver,
  work: HostWork,
  changed: MachineContent | undefined,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { store, clock, tell } = options;
  const { machine } = store;
  const verifyTimeoutMs = parseDuration(machine.spec.verifyTimeout ?? '') ?? VERIFY_MS;
  let status = machine.status ?? {};
  const asked = askedOperation(machine);
  if (asked !== undefined) {
    const facts = nodeFacts(options);
    const context = { machine, host, work, clock, verifyTimeoutMs };
    status = await answerOperation(asked, { store, facts, tell }, context, signal);
  }
  const wantsStop = (): boolean => {
    const newest = options.newest() ?? machine;
    return newest.spec.powerState === 'Stopped' || status.isHeldStopped === true;
  };
  // What was prepared is not what is wanted any more; nobody was disturbed for it yet.
  if (changed !== undefined && status.run !== undefined && isUndisturbed(status))
    status = beginRun(status, status.run.specHash);
  const words = changed === undefined ? undefined : contentWords(machine, changed);
  const drift = words === undefined ? {} : { drifted: words };
  let contentHash = changed?.hash;
  let hasTold = false;
  const advanced = await advance(
    status,
    {
      clock,
      work,
      save(next) {
        const isBegun = next.run !== undefined && next.run.goalHash === undefined;
        const isTold = words === undefined || !isBegun || hasTold;
        hasTold ||= isBegun;
        if (!isTold) tell('Normal', 'ContentChanged', words.join('; '));
        return store.save(next, { ...nodeFacts(options), ...drift }, signal);
      },
      observe() {
        const newest = options.newest() ?? machine;
        // What a run resolved may be newer than what began it.
        contentHash = store.machine.status?.run?.contentHash ?? contentHash;
        return {
          specHash: specHash(newest.spec),
          contentHash,
          isPaused: newest.spec.paused === true || wantsStop(),
          isDeleting: newest.metadata.deletionTimestamp !== undefined,
          isPermitted: isPermitted(newest, store.machine.status),
        };
      },
      version: machine.spec.version,
      verifyTimeoutMs,
      tell,
    },
    signal,
  );
  status = advanced.status;
  const { held, againMs } = advanced;
  if (wantsStop() && status.run === undefined) {
    if (status.activeSlot !== undefined && machine.spec.rootfs !== undefined)
      await stopSlot(host, work.names(status.activeSlot), signal);
    await stopHost(options, signal);
    await store.save(status, { ...nodeFacts(options), isStopped: true }, signal);
    return DONE;
  }
  if (againMs !== undefined) {
    const facts = { ...nodeFacts(options), ...drift, ...(held === undefined ? {} : { held }) };
    await store.save(status, facts, signal);
    return { outcome: 'requeueAfter', delayMs: againMs };
  }
  if (asked !== undefined && status.operation?.phase === 'InProgress') return SOON;
  return watchOver(options, host, work, status, signal);
}

/** What is settled is compared with its goal, and put right. */
async function watchOver(
  options: ReconcileOptions,
  host: HostDriver,
  work: HostWork,
  status: MachineStatus,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { store, client, clock, tell } = options;
  const { machine } = store;
  const { activeSlot, lastGood } = status;
  if (activeSlot === undefined || lastGood === undefined) {
    await store.save(status, nodeFacts(options), signal);
    return DONE;
  }
  const hasRoot = machine.spec.rootfs !== undefined;
  const goal = await work.goal(activeSlot, signal);
  const found = await findDrift(
    {
      host,
      goal,
      nodeFiles: hasRoot ? await nodeFilesOf(work, goal, signal) : undefined,
      goalHash: hasRoot ? lastGood.goalHash : undefined,
      staged: stagedIn(activeSlot, work.names(activeSlot), status.staged ?? []),
      shouldRun: hasRoot,
    },
    signal,
  );
  const node = options.node();
  const { node: nodeSpec } = machine.spec;
  const fields =
    node === undefined || nodeSpec === undefined
      ? []
      : await correctNode(client, node, nodeSpec, signal);
  const files = await work.changedFiles(activeSlot, signal);
  const drifted = [
    ...found.map(({ field }) => field),
    ...files.map((path) => `file ${path}`),
    ...fields,
  ];
  // A root that was rolled back differs from the spec by design; only what runs is watched over.
  await store.save(status, { ...nodeFacts(options), drifted }, signal);
  if (drifted.length > 0) tell('Warning', 'Drifted', drifted.join('; '));
  const slot = work.names(activeSlot);
  const { mustRebuild } = await correctDrift(found, { host, slot, clock }, signal);
  if (files.length > 0) await work.restoreFiles(activeSlot, signal);
  const isCurrent = lastGood.goalHash === status.goalHash;
  if (mustRebuild && isCurrent && machine.spec.paused !== true) {
    const again = beginRun(store.machine.status ?? status, specHash(machine.spec), true);
    await store.save(again, { ...nodeFacts(options), drifted }, signal);
    return { outcome: 'requeueAfter', delayMs: 0 };
  }
  if (found.length > 0 || files.length > 0)
    await store.save(status, { ...nodeFacts(options), drifted: [] }, signal);
  return { outcome: 'requeueAfter', delayMs: options.driftEveryMs };
}

/** A Secret that is gone is told, and takes nothing away from what runs. */
async function nodeFilesOf(
  work: HostWork,
  goal: RootFS,
  signal: AbortSignal,
): Promise<DriftInput['nodeFiles']> {
  try {
    return await work.nodeFiles(goal, signal);
  } catch (error) {
    if (error instanceof GoalError) return { problem: error.message };
    throw error;
  }
}

/** What its provider made goes as a whole, and nobody has to be asked on it. @returns undefined: its host is nobody's to remove */
async function takeHostAway(
  options: ReconcileOptions,
  signal: AbortSignal,
): Promise<ReconcileResult | undefined> {
  const { store, hosts, nodes } = options;
  const provided = providedMachine(store.machine);
  if (provided === undefined) return undefined;
  if (!(await isEmptied(options, signal))) return SOON;
  await stopInFolder(options, signal);
  if (!(await hosts.remove(provided, signal))) return undefined;
  await nodes.uncordon(store.machine, signal);
  await store.setFinalizer(false, signal);
  return DONE;
}

/** What runs on a folder of this machine does not end with the folder. */
async function stopInFolder(
  { store, openHost, workOn }: ReconcileOptions,
  signal: AbortSignal,
): Promise<void> {
  const { spec, status } = store.machine;
  const isFolder = (spec.connection?.type ?? 'LocalDir') === 'LocalDir';
  if (!isFolder || status?.activeSlot === undefined) return;
  try {
    const host = await openHost(store.machine, signal);
    if (host === 'off') return;
    await using opened = host;
    await workOn(store.machine, opened).removeAll(signal);
  } catch (error) {
    // It is gone already.
    if (!(error instanceof NoHostError) && !(error instanceof HostUnreachableError)) throw error;
  }
}

/** As far as budgets and time allow. */
async function isEmptied(
  { store, tell, nodes }: ReconcileOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { deletionTimestamp = '' } = store.machine.metadata;
  try {
    return (await nodes.drain(store.machine, Date.parse(deletionTimestamp), signal)) === 'done';
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    tell('Warning', error.reason, error.message);
    return true;
  }
}

/** Its node is emptied, then everything of it goes, then the object. */
async function takeAway(
  options: ReconcileOptions,
  work: HostWork,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const { store } = options;
  if (!(await isEmptied(options, signal))) return SOON;
  await work.removeAll(signal);
  await work.uncordon(signal);
  await store.setFinalizer(false, signal);
  return DONE;
}

/** A run of which nothing but the slot that does not run has seen anything yet. */
function isUndisturbed(status: MachineStatus): boolean {
  const { run } = status;
  const isForward = run?.direction === 'Forward' && run.isReturn !== true;
  return isForward && stateOf(status, 'Drain') === 'Pending';
}

/** Nothing is asked for that is not there. */
function isAtRest(machine: Machine): boolean {
  const { spec, status = {} } = machine;
  const wantsStop = spec.powerState === 'Stopped' || status.isHeldStopped === true;
  const isRunAtRest = status.run === undefined && (status.specHash === specHash(spec) || wantsStop);
  const isPowerRight = wantsStop === (status.phase === 'Stopped');
  return isRunAtRest && isPowerRight && askedOperation(machine) === undefined;
}

function restingFacts(options: ReconcileOptions): MachineFacts {
  const { status } = options.store.machine;
  const unreachable = status?.conditions?.find(({ type }) => type === 'Reachable');
  return {
    ...nodeFacts(options),
    ...(status?.phase === 'Stopped' ? { isStopped: true } : {}),
    // What was seen last still holds: nobody asked the host this time.
    ...(unreachable?.status === 'False' ? { unreachable: unreachable.message } : {}),
  };
}

function nodeFacts({ store, node }: ReconcileOptions): MachineFacts {
  if (store.machine.spec.node === undefined) return {};
  const found = node();
  return { node: { isThere: found !== undefined, isReady: isNodeReady(found) } };
}

/** @param status as it was last written: the permit is for what that says */
function isPermitted(machine: Machine, status: MachineStatus | undefined): boolean {
  const { metadata, spec } = machine;
  const isFree =
    spec.clusterRef === undefined && metadata.labels?.['windlass.dev/cluster'] === undefined;
  return isFree || rolloutPermit({ ...machine, status }).isGiven;
}
