// Simulated machines by name, made when first asked for: what connections of type Sim lead to, for as long as the process lives.
import type { Clock } from '#platform/clock.ts';
import { SimulatedMachine } from './simulated-machine.ts';
import type { SimulatedMachineOptions } from './simulated-machine.ts';

export class SimulatedFleet {
  readonly #clock: Clock;
  readonly #prepare: (machine: SimulatedMachine) => void;
  readonly #options: Omit<SimulatedMachineOptions, 'name' | 'clock'>;
  readonly #machines = new Map<string, SimulatedMachine>();

  /** @param prepare called once for each new machine, to register its programs */
  constructor(
    clock: Clock,
    prepare: (machine: SimulatedMachine) => void = () => undefined,
    options: Omit<SimulatedMachineOptions, 'name' | 'clock'> = {},
  ) {
    this.#clock = clock;
    this.#prepare = prepare;
    this.#options = options;
  }

  machine(name: string): SimulatedMachine {
    const found = this.#machines.get(name);
    if (found !== undefined) return found;
    const machine = new SimulatedMachine({ ...this.#options, name, clock: this.#clock });
    this.#machines.set(name, machine);
    this.#prepare(machine);
    return machine;
  }

  get machines(): readonly SimulatedMachine[] {
    return [...this.#machines.values()];
  }
}
