// Which items of a plan are begun now, and what the others wait for. Pure: everything is computed from what is observed, so that a
// controller that starts anew decides as the one before would have.
import { disruptionBudget } from './settings.ts';
import { joinBatch, survivesWithout } from './plan-quorum.ts';
import type { ObservedMachine } from './observed.ts';
import type {
  ClusterPlan,
  PlanInput,
  Problem,
  RolloutDecision,
  RolloutStep,
} from './plan-types.ts';
import type { ClusterStatus, Failure, PlanItem } from './types.ts';

export function decideRollout(plan: ClusterPlan, input: PlanInput): RolloutDecision {
  const { observed, status, settings, revision } = input;
  const rollout = status.rollout?.revision === revision ? status.rollout : undefined;
  const failed = failuresOf(input, rollout?.failed ?? []);
  const round = new Round(
    plan,
    input,
    failed,
    rollout?.begun ?? [],
    // Whatever it was decided for: what may be done to a machine does not end with a change of mind.
    status.rollout?.underWay ?? [],
  );
  for (const item of plan.items) round.consider(item);
  return {
    ...round.result(),
    failed,
    revoked: observed
      .filter(
        ({ name, permit, isSettled }) =>
          permit.given !== undefined &&
          (isSettled || permit.isSpent || failed.some(({ machine }) => machine === name)),
      )
      .map(({ name }) => name),
    retried: observed
      .filter(
        ({ name, failure }) =>
          failure !== undefined && isRetried(name, status, settings.retryToken, input),
      )
      .map(({ name }) => name),
  };
}

function isRetried(
  name: string,
  { rollout }: ClusterStatus,
  retryToken: string | undefined,
  { revision }: PlanInput,
): boolean {
  const before = rollout?.failed.find(({ machine }) => machine === name);
  return rollout?.revision === revision && before !== undefined && before.retryToken !== retryToken;
}

/** Those known, as long as they hold, and those that show now. */
function failuresOf(input: PlanInput, known: readonly Failure[]): readonly Failure[] {
  const { settings, observed, targets, status } = input;
  const { retryToken } = settings;
  return observed.flatMap((machine): readonly Failure[] => {
    const { name, failure, isSettled, target, content } = machine;
    // A rollback makes a machine settled at what it was: its failure counts until it is what it was to become.
    if (machine.isDeleting || target !== targets.get(name)) return [];
    if (isRetried(name, status, retryToken, input)) return [];
    // What its Artifacts hold now may do better than what they held then.
    const before = known.find(
      (entry) =>
        entry.machine === name &&
        entry.target === target &&
        entry.content === (content ?? entry.content),
    );
    if (failure === undefined) return before === undefined || isSettled ? [] : [before];
    return [
      {
        machine: name,
        target,
        ...(content === undefined ? {} : { content }),
        ...(retryToken === undefined ? {} : { retryToken }),
        ...failure,
      },
    ];
  });
}

class Round {
  readonly #plan: ClusterPlan;
  readonly #input: PlanInput;
  readonly #failed: ReadonlySet<string>;
  readonly #machines: ReadonlyMap<string, ObservedMachine>;
  readonly #steps: RolloutStep[] = [];
  readonly #waits = new Map<string, string>();
  readonly #begun: Set<string>;
  readonly #underWay: Set<string>;
  readonly #hold: Problem | undefined;
  readonly #budget: number;
  /** Machines that are, or are from now on, out of service or worked on. */
  readonly #away: Set<string>;
  readonly #busy: Set<string>;
  readonly #members: number;
  /** Controllers that may join now, beside those that are about to. */
  #joinsLeft: number;

  constructor(
    plan: ClusterPlan,
    input: PlanInput,
    failed: readonly Failure[],
    begun: readonly string[],
    underWay: readonly string[],
  ) {
    const { settings, observed, wanted } = input;
    this.#plan = plan;
    this.#input = input;
    this.#failed = new Set(failed.map(({ machine }) => machine));
    this.#machines = new Map(observed.map((machine) => [machine.name, machine]));
    this.#begun = new Set(begun);
    const workers = wanted.filter(({ role }) => role === 'worker').length;
    const isFailed = ({ name }: ObservedMachine): boolean => this.#failed.has(name);
    // Decided before, and perhaps not carried out: whoever decided may have ended in between.
    const decided = observed
      .filter(
        (machine) =>
          underWay.includes(machine.name) &&
          plan.items.some((item) => item.machine === machine.name && isRemembered(item)) &&
          !isFailed(machine) &&
          !isThere(machine, input),
      )
      .map(({ name }) => name);
    this.#underWay = new Set(decided);
    this.#budget = disruptionBudget(settings.maxUnavailable, workers);
    // What failed and serves all the same, as it was before, is not away: its permit goes first of all.
    this.#away = new Set([
      ...decided,
      ...observed
        .filter((machine) => isAway(machine) && !(isFailed(machine) && machine.isServing))
        .map(({ name }) => name),
    ]);
    this.#busy = new Set([
      ...decided,
      ...observed
        .filter((machine) => isBusy(machine) && !isFailed(machine))
        .map(({ name }) => name),
    ]);
    this.#members = observed.filter((machine) => machine.isController && machine.hasJoined).length;
    this.#joinsLeft = joinsLeft(plan, input, this.#members);
    this.#hold = this.#holdOf(failed);
  }

  result(): Pick<RolloutDecision, 'steps' | 'waits' | 'begun' | 'underWay' | 'hold'> {
    return {
      steps: this.#steps,
      waits: this.#waits,
      begun: [...this.#begun].toSorted(),
      underWay: [...this.#underWay].toSorted(),
      hold: this.#hold,
    };
  }

  consider(item: PlanItem): void {
    const machine = this.#machines.get(item.machine);
    const wait = this.#waitOf(item, machine);
    if (wait !== undefined) {
      this.#waits.set(item.machine, wait);
      return;
    }
    const permit = this.#isPermitted(item, machine);
    if (!permit) this.#waits.set(item.machine, 'WaitingForQuorum');
    if (
      machine !== undefined &&
      item.action === 'create' &&
      machine.target === item.target &&
      !permit
    )
      return;
    if (isRemembered(item)) this.#underWay.add(item.machine);
    if (item.action === 'update' || item.action === 'recreate') this.#begun.add(item.machine);
    this.#busy.add(item.machine);
    if (item.action !== 'create' && item.action !== 'configure' && item.action !== 'start')
      this.#away.add(item.machine);
    this.#steps.push({ item, permit });
  }

  /** Undefined when the item may be begun. */
  #waitOf(item: PlanItem, machine: ObservedMachine | undefined): string | undefined {
    const { settings } = this.#input;
    if (machine !== undefined && isUnderWay(item, machine)) return 'InProgress';
    if (machine?.isDeleting === true) return 'InProgress';
    if (this.#failed.has(item.machine) && isTryingAgain(item)) return 'Failed';
    const isBroken = machine !== undefined && !machine.isServing;
    if (
      this.#hold !== undefined &&
      !(item.action === 'delete' && isBroken && this.#hold.reason === 'RolloutHalted')
    )
      return this.#hold.reason;
    if (!this.#busy.has(item.machine) && this.#busy.size >= settings.operations)
      return 'WaitingForOperations';
    if (item.action === 'start' || item.action === 'configure') return undefined;
    if (item.action === 'stop') return this.#waitToStop(item);
    if (item.action === 'create') return undefined;
    if (machine === undefined) return undefined;
    if (item.action === 'update' && this.#isPausedAfter(item.machine)) return 'PausedAfter';
    if (!machine.isReachable && item.action !== 'delete') return 'Unreachable';
    return machine.isController
      ? this.#waitOfController(item, machine)
      : this.#waitOfWorker(machine);
  }

  /** Controllers stay until the last worker has stopped. */
  #waitToStop({ machine }: PlanItem): string | undefined {
    const isController = this.#machines.get(machine)?.isController;
    const workersLeft = this.#plan.items.some(
      (item) => this.#machines.get(item.machine)?.isController === false,
    );
    return isController === true && workersLeft ? 'WaitingForWorkers' : undefined;
  }

  #waitOfController(item: PlanItem, machine: ObservedMachine): string | undefined {
    const controllers = [...this.#machines.values()].filter(({ isController }) => isController);
    const others = controllers.filter(({ name }) => name !== machine.name);
    if (others.some(({ name }) => this.#busy.has(name))) return 'WaitingForController';
    if (!this.#input.isApiReady && machine.isServing) return 'WaitingForAPI';
    const members = controllers.filter(({ hasJoined }) => hasJoined);
    const serving = members.filter(({ name }) => !this.#away.has(name)).length;
    if (item.action === 'delete') {
      const { wanted } = this.#input;
      // Who takes its place joins first.
      const isReplaced = wanted
        .filter(({ role }) => role !== 'worker')
        .every(({ name }) => this.#machines.get(name)?.hasJoined === true);
      if (!isReplaced) return 'WaitingForController';
    }
    return survivesWithout(members.length, serving, !this.#away.has(machine.name))
      ? undefined
      : 'WaitingForQuorum';
  }

  #waitOfWorker(machine: ObservedMachine): string | undefined {
    const isBehind = this.#plan.items.some(
      ({ machine: name, action }) =>
        (action === 'update' || action === 'recreate' || action === 'create') &&
        this.#machines.get(name)?.isController === true,
    );
    if (isBehind && !this.#isRemoved(machine)) return 'WaitingForControllers';
    // One that has not joined yet may do so at any moment: it takes its share like the others.
    if (this.#away.has(machine.name)) return undefined;
    const away = [...this.#machines.values()].filter(
      ({ name, isController }) => !isController && this.#away.has(name),
    ).length;
    return away < this.#budget ? undefined : 'WaitingForBudget';
  }

  #isRemoved({ name }: ObservedMachine): boolean {
    return this.#plan.items.some(({ machine, action }) => machine === name && action === 'delete');
  }

  #isPausedAfter(name: string): boolean {
    const { pauseAfter } = this.#input.settings;
    return pauseAfter !== undefined && !this.#begun.has(name) && this.#begun.size >= pauseAfter;
  }

  /** Machines that are to join are prepared at once, and join when those before them have. */
  #isPermitted(item: PlanItem, machine: ObservedMachine | undefined): boolean {
    if (item.action !== 'create') return item.action !== 'configure' && item.action !== 'delete';
    const { wanted } = this.#input;
    const role = machine?.role ?? wanted.find(({ name }) => name === item.machine)?.role;
    // Workers join controllers, where the cluster has its own.
    if (role === 'worker') return this.#members > 0 || !wanted.some((one) => one.role !== 'worker');
    if (this.#joinsLeft === 0) return false;
    this.#joinsLeft -= 1;
    return true;
  }

  #holdOf(failed: readonly Failure[]): Problem | undefined {
    const { settings, status } = this.#input;
    if (settings.powerState === 'Stopped') return undefined;
    const [problem] = this.#plan.problems;
    if (problem !== undefined) return problem;
    if (failed.length > settings.maxFailures) {
      const each = failed.map(
        ({ machine, reason, message }) => `${machine}: ${reason}: ${message}`,
      );
      const message = `${failed.length} failed, and spec.rollout.maxFailures is ${settings.maxFailures}: ${each.join('; ')}`;
      return { reason: 'RolloutHalted', message };
    }
    if (settings.isPaused) return { reason: 'Paused', message: 'spec.rollout.paused is set' };
    return settings.isPlanOnly
      ? approvalHold(this.#plan, settings.approvedPlanHash, status)
      : undefined;
  }
}

/** None while some are joining: each batch is there before the next begins. */
function joinsLeft({ items }: ClusterPlan, input: PlanInput, members: number): number {
  const { observed, wanted } = input;
  const joining = observed.filter(
    (machine) => machine.isController && !machine.hasJoined && machine.permit.given !== undefined,
  );
  if (joining.length > 0) return 0;
  const controllers = new Set(
    wanted.flatMap(({ name, role }) => (role === 'worker' ? [] : [name])),
  );
  const left = items.filter(
    ({ machine, action }) => action === 'create' && controllers.has(machine),
  );
  return joinBatch(members, left.length);
}

/** Undefined when what is planned now is a part of the plan that was approved. */
function approvalHold(
  { items }: ClusterPlan,
  approvedPlanHash: string | undefined,
  { approvedPlan }: ClusterStatus,
): Problem | undefined {
  const ask = 'set spec.approvedPlanHash to status.planHash to carry it out';
  if (approvedPlanHash === undefined || approvedPlan?.hash !== approvedPlanHash)
    return { reason: 'AwaitingApproval', message: `spec.planOnly is set: ${ask}` };
  if (approvedPlan.done === true)
    return { reason: 'AwaitingApproval', message: `the approved plan was carried out; ${ask}` };
  const { items: approved = [] } = approvedPlan;
  const isApproved = (item: PlanItem): boolean =>
    approved.some(
      ({ machine, action, target }) =>
        machine === item.machine &&
        target === item.target &&
        // What is replaced goes, and then comes.
        (action === item.action || (action === 'recreate' && item.action === 'create')),
    );
  const other = items.find((item) => !isApproved(item));
  return other === undefined
    ? undefined
    : {
        reason: 'PlanChanged',
        message: `${other.action} of ${other.machine} is not in the plan that was approved: ${ask}`,
      };
}

/** What is written down before it is done: everything that takes a machine away. */
function isRemembered({ action }: PlanItem): boolean {
  return action === 'update' || action === 'recreate' || action === 'delete' || action === 'repair';
}

/** What was decided for it is done. */
function isThere(machine: ObservedMachine, { targets }: PlanInput): boolean {
  const target = targets.get(machine.name);
  return target === undefined
    ? false
    : machine.target === target && (machine.isSettled || machine.powerState === 'Stopped');
}

/** A machine that failed may still be removed, stopped or changed where it stands. */
function isTryingAgain({ action }: PlanItem): boolean {
  return action === 'create' || action === 'update' || action === 'repair';
}

/** Out of service, or about to be, whatever the reason. New ones never were in service. */
function isAway(machine: ObservedMachine): boolean {
  if (machine.isDeleting) return true;
  return machine.hasJoined && (!machine.isServing || isBusy(machine));
}

/** Somebody works on it. */
function isBusy(machine: ObservedMachine): boolean {
  const { isDeleting, isSettled, permit } = machine;
  return isDeleting || (permit.given !== undefined && !permit.isSpent && !isSettled);
}

function isUnderWay({ action, target }: PlanItem, machine: ObservedMachine): boolean {
  switch (action) {
    case 'create':
    case 'update':
    case 'repair':
      return machine.target === target && machine.permit.isGiven;
    case 'delete':
    case 'recreate':
      return machine.isDeleting;
    case 'configure':
    case 'start':
    case 'stop':
      return machine.powerState === 'Stopped' && action === 'stop';
  }
}
