// The service manager of a simulated machine: units with a content, enabled or not, running or not.
import type { ServiceState } from '../host-driver.ts';
import { HostCommandError } from '../host-errors.ts';

/** What a test makes a unit do. */
export interface SimulatedUnitBehaviour {
  /** Called at each start; an error makes the unit `failed` and the start fail. */
  readonly start?: (unit: string, content: string) => void;
  readonly stop?: (unit: string) => void;
}

interface Unit {
  content: string | undefined;
  isEnabled: boolean;
  state: 'dead' | 'running' | 'failed';
}

export class SimulatedUnits {
  readonly #units = new Map<string, Unit>();
  readonly #behaviours: { readonly matches: RegExp; readonly behaviour: SimulatedUnitBehaviour }[] =
    [];

  /** Gives units whose names match a behaviour; the latest match counts. */
  onUnit(matches: RegExp, behaviour: SimulatedUnitBehaviour): void {
    this.#behaviours.unshift({ matches, behaviour });
  }

  /** Names of units that are installed, sorted. */
  get installed(): readonly string[] {
    return [...this.#units.keys()].toSorted();
  }

  get running(): readonly string[] {
    return this.installed.filter((unit) => this.#units.get(unit)?.state === 'running');
  }

  content(unit: string): string | undefined {
    return this.#find(unit)?.content;
  }

  install(unit: string, content: string): void {
    const found = this.#units.get(unit);
    if (found === undefined) this.#units.set(unit, { content, isEnabled: false, state: 'dead' });
    else found.content = content;
  }

  uninstall(unit: string): void {
    if (this.#units.has(unit)) this.stop(unit);
    this.#units.delete(unit);
  }

  state(unit: string): ServiceState {
    const found = this.#find(unit);
    if (found === undefined) return { isInstalled: false, isActive: false, state: 'dead' };
    return { isInstalled: true, isActive: found.state === 'running', state: found.state };
  }

  start(unit: string): void {
    const found = this.#find(unit);
    if (found === undefined) throw new HostCommandError(`Unit ${unit} not found.`);
    this.#units.set(unit, found);
    found.isEnabled = true;
    if (found.state === 'running') return;
    found.state = 'failed';
    try {
      this.#behaviour(unit).start?.(unit, found.content ?? '');
    } catch (error) {
      throw new HostCommandError(
        `Unit ${unit} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    found.state = 'running';
  }

  stop(unit: string): void {
    const found = this.#units.get(unit);
    if (found === undefined) return;
    if (found.state === 'running') this.#behaviour(unit).stop?.(unit);
    found.state = 'dead';
  }

  /** Ends a unit as if its program had died. */
  fail(unit: string): void {
    const found = this.#units.get(unit);
    if (found !== undefined) found.state = 'failed';
  }

  /** Those that are enabled run again, unless they cannot. */
  reboot(): void {
    for (const [unit, found] of this.#units) {
      found.state = 'dead';
      if (!found.isEnabled) continue;
      try {
        this.start(unit);
      } catch {
        // It is `failed` now, as after a boot of a real machine.
      }
    }
  }

  /** An instance `a@b.service` of an installed template `a@.service` is installed too. */
  #find(unit: string): Unit | undefined {
    const found = this.#units.get(unit);
    if (found !== undefined) return found;
    const template = this.#units.get(unit.replace(/@[^@]+(\.[a-z]+)$/, '@$1'));
    return template && { content: template.content, isEnabled: false, state: 'dead' };
  }

  #behaviour(unit: string): SimulatedUnitBehaviour {
    return this.#behaviours.find(({ matches }) => matches.test(unit))?.behaviour ?? {};
  }
}
