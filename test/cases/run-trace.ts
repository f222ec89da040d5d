// A witness of what a rollout does to Pods and volumes, told in the operations of the neutral format: on the level of plans (run, replace,
// remove), and on that of steps (create, start, waitHealthy, stopOld, removeOld, stopNew, removeNew, startOld).
import type { ApiObject } from '#controllers/machinery/client-types.ts';
import type { CacheChange } from '#controllers/machinery/cache.ts';
import { REPLACES_ANNOTATION, REVISION_LABEL } from '#controllers/service/types.ts';
import type { TestPod } from '#test/support/simulated-nodes.ts';
import type { Expected } from './service-case.ts';

type Level = 'plan' | 'step' | 'both';

interface Witnessed {
  readonly level: Level;
  readonly operation: Expected;
}

interface Known {
  readonly role: 'old' | 'new' | 'hook' | 'old hook';
  readonly machine: string;
  isStarted: boolean;
  isStopped: boolean;
}

const STEPS: ReadonlySet<string> = new Set([
  'create',
  'start',
  'waitHealthy',
  'stopOld',
  'removeOld',
  'stopNew',
  'removeNew',
  'startOld',
]);

export function isStep({ op }: Expected): boolean {
  return STEPS.has(op);
}

export class RunTrace {
  readonly #witnessed: Witnessed[] = [];
  readonly #pods = new Map<string, Known>();
  readonly #initial: ReadonlySet<string>;
  readonly #removedHooks: string[] = [];
  /** Revision label of the instances that were there. */
  readonly #oldRevisions: ReadonlySet<string>;
  /** Instances that were stopped and whose place is empty: machine → name. */
  readonly #vacated = new Map<string, string>();
  /** uid → name of the instances that were there. */
  readonly #names: ReadonlyMap<string, string>;

  constructor(initial: readonly TestPod[]) {
    this.#initial = new Set(initial.map(({ metadata }) => metadata.name));
    this.#names = new Map(initial.map(({ metadata }) => [metadata.uid, metadata.name]));
    this.#oldRevisions = new Set(
      initial.map(({ metadata }) => metadata.labels?.[REVISION_LABEL] ?? ''),
    );
  }

  pod({ type, object }: CacheChange<TestPod>): void {
    const { name } = object.metadata;
    const known = this.#pods.get(name) ?? this.#meet(object);
    const isUp = object.status?.phase === 'Running';
    if (isUp && !known.isStarted && known.role === 'new') {
      known.isStarted = true;
      this.#tell('step', { op: 'start', machine: known.machine });
      this.#tell('step', { op: 'waitHealthy', machine: known.machine });
    }
    const isTimedOut = object.status?.reason === 'DeadlineExceeded';
    const isGoing =
      isTimedOut || object.metadata.deletionTimestamp !== undefined || type === 'Deleted';
    if (isGoing && !known.isStopped) {
      known.isStopped = true;
      this.#stopped(name, known);
    }
    if (type === 'Deleted') this.#removed(name, known);
  }

  claim({ type, object }: CacheChange<ApiObject>): void {
    if (type !== 'Added' || this.#initial.has(object.metadata.name)) return;
    this.#tell('both', {
      op: 'createVolume',
      machine: object.metadata.annotations?.['volume.kubernetes.io/selected-node'],
      volume: object.metadata.labels?.['windlass.dev/volume'] ?? object.metadata.name,
    });
  }

  /** Of the level that `expected` is told on. */
  operations(expected: readonly Expected[]): readonly Expected[] {
    const level = expected.some(isStep) ? 'step' : 'plan';
    return this.#witnessed
      .filter((one) => one.level === level || one.level === 'both')
      .map(({ operation }) =>
        operation.op === 'runPreDeploy' ? { ...operation, removes: this.#removedHooks } : operation,
      );
  }

  #meet(pod: TestPod): Known {
    const { name, labels = {}, annotations = {} } = pod.metadata;
    const isHook = labels['windlass.dev/hook'] !== undefined;
    const isInitial = this.#initial.has(name);
    const isOld = isInitial || this.#oldRevisions.has(labels[REVISION_LABEL] ?? '');
    const machine = machineOf(pod);
    const role = isHook ? (isInitial ? 'old hook' : 'hook') : isOld ? 'old' : 'new';
    const known: Known = { role, machine, isStarted: isInitial, isStopped: false };
    this.#pods.set(name, known);
    if (isInitial) return known;
    if (role === 'hook') this.#tell('both', { op: 'runPreDeploy', machine });
    else if (role === 'old') this.#tell('both', { op: 'startOld', machine });
    else this.#created(machine, annotations[REPLACES_ANNOTATION]);
    return known;
  }

  /** @param replaces uid of the instance that it takes the place of */
  #created(machine: string, replaces: string | undefined): void {
    const container = this.#vacated.get(machine);
    this.#tell('step', { op: 'create', machine });
    if (container !== undefined) {
      this.#vacated.delete(machine);
      this.#tell('plan', { op: 'replace', machine, container, order: 'stop-first' });
    } else if (replaces !== undefined) {
      const old = this.#names.get(replaces) ?? replaces;
      this.#tell('plan', { op: 'replace', machine, container: old, order: 'start-first' });
    } else this.#tell('plan', { op: 'run', machine });
  }

  #stopped(name: string, { role, machine }: Known): void {
    if (role === 'old') {
      this.#vacated.set(machine, name);
      this.#tell('step', { op: 'stopOld', machine, container: name });
    } else if (role === 'new') this.#tell('step', { op: 'stopNew', machine });
    else if (role === 'hook') this.#tell('both', { op: 'stopHook', machine });
  }

  #removed(name: string, { role, machine }: Known): void {
    if (role === 'old') this.#tell('step', { op: 'removeOld', machine, container: name });
    else if (role === 'new') this.#tell('step', { op: 'removeNew', machine });
    else if (role === 'old hook') this.#removedHooks.push(name);
  }

  #tell(level: Level, operation: Expected): void {
    this.#witnessed.push({ level, operation });
  }
}

/** Where it runs, or is pinned to. */
function machineOf({ spec }: TestPod): string {
  if (spec.nodeName !== undefined) return spec.nodeName;
  const text = JSON.stringify(spec);
  return /"key":"metadata\.name","operator":"In","values":\["([^"]+)"\]/.exec(text)?.[1] ?? '';
}
