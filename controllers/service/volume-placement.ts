// Where services and the named volumes that they share come to lie. A volume is kept on one node, so whoever mounts it must run
// there: what exists decides first, then what services that share a missing volume have in common. Pure; all services of a namespace
// come to the same answer, whichever of them asks. The rules are uncloud's.
import { matchesClaim, optionsText } from './claims.ts';
import type { ClaimFacts } from './claims.ts';
import type { ServiceMode, ServiceVolume } from './types.ts';

export interface VolumeDemand {
  readonly service: string;
  readonly mode: ServiceMode;
  /** Nodes that may have an instance, volumes aside, in order of name. */
  readonly eligible: readonly string[];
  /** That instances mount; at least one. */
  readonly volumes: readonly ServiceVolume[];
  /** PersistentVolumeClaims that the template names itself: by their own names, and somebody else's to make. */
  readonly fromTemplate?: boolean;
}

export interface VolumeToCreate {
  readonly claimName: string;
  readonly node: string;
  readonly volume: ServiceVolume;
  readonly mode: ServiceMode;
  /** Name of a claim that is there and has no node yet. */
  readonly existing: string | undefined;
}

export interface VolumePlacement {
  readonly creates: readonly VolumeToCreate[];
  /** Nodes that have, or will have, all volumes of a service. */
  readonly allowed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Why there is no such node, by service. */
  readonly problems: ReadonlyMap<string, string>;
}

export function placeVolumes(
  demands: readonly VolumeDemand[],
  claims: readonly ClaimFacts[],
): VolumePlacement {
  const run = new Placing(
    demands,
    new Map([
      ...Object.entries(Object.groupBy(claims, ({ name }) => name)),
      ...Object.entries(Object.groupBy(claims, ({ claimName }) => claimName)),
    ]),
  );
  run.place();
  return run;
}

type Claims = ReadonlyMap<string, readonly ClaimFacts[] | undefined>;

class Placing implements VolumePlacement {
  readonly creates: VolumeToCreate[] = [];
  readonly allowed = new Map<string, Set<string>>();
  readonly problems = new Map<string, string>();
  readonly #demands: readonly VolumeDemand[];
  readonly #claims: Claims;
  /** claimName → who mounts it. */
  readonly #users = new Map<string, VolumeDemand[]>();

  constructor(demands: readonly VolumeDemand[], claims: Claims) {
    this.#demands = demands;
    this.#claims = claims;
    for (const demand of demands) {
      this.allowed.set(demand.service, new Set(demand.eligible));
      for (const volume of demand.volumes) {
        const name = claimNameOf(volume);
        const users = this.#users.get(name) ?? [];
        if (!users.includes(demand)) users.push(demand);
        this.#users.set(name, users);
      }
    }
  }

  place(): void {
    this.#refuseContradictions();
    for (const demand of this.#working()) this.#goWhereVolumesAre(demand);
    this.#agree();
    for (const [claimName, users] of this.#missing()) {
      const [first] = users.filter((user) => !this.problems.has(user.service));
      const node = first === undefined ? undefined : lowest(this.#allowedOf(first));
      if (first === undefined || node === undefined) continue;
      this.#create(claimName, first, node);
      for (const user of users) this.#restrict(user, (name) => name === node);
      this.#agree();
    }
    for (const demand of this.#working()) {
      if (demand.mode === 'Global') this.#createOnEach(demand);
    }
  }

  /** Demands that nothing stands against so far. */
  #working(): readonly VolumeDemand[] {
    return this.#demands.filter(({ service }) => !this.problems.has(service));
  }

  #allowedOf({ service }: VolumeDemand): Set<string> {
    return this.allowed.get(service) ?? new Set();
  }

  #restrict(demand: VolumeDemand, keeps: (node: string) => boolean): boolean {
    const before = this.#allowedOf(demand);
    const after = new Set([...before].filter(keeps));
    this.allowed.set(demand.service, after);
    return after.size < before.size;
  }

  #fail(demand: VolumeDemand, problem: string): void {
    this.problems.set(demand.service, problem);
    this.allowed.set(demand.service, new Set());
  }

  #kept(
    claimName: string,
    { fromTemplate = false }: Partial<VolumeDemand> = {},
  ): readonly ClaimFacts[] {
    const kept = this.#claims.get(claimName) ?? [];
    return fromTemplate ? kept.filter(({ name }) => name === claimName) : kept;
  }

  /** Somewhere already; one that is kept nowhere yet is still free to go. */
  #exists(claimName: string): boolean {
    return this.#kept(claimName).some(({ where }) => where !== 'nowhere');
  }

  #refuseContradictions(): void {
    for (const [claimName, users] of this.#users) {
      const [first, ...others] = users;
      for (const other of others) {
        if (first === undefined || !areOfOneKind(first, other)) continue;
        const problem =
          first.mode === other.mode
            ? differs(first, other, claimName)
            : `volume '${claimName}' cannot be shared between global and replicated services ('${first.service}', '${other.service}'): the one has it on each node, the other on one`;
        if (problem === undefined) continue;
        this.#fail(first, problem);
        this.#fail(other, problem);
      }
    }
    for (const demand of this.#demands) {
      const missing = demand.volumes
        .filter((volume) => volume.external === true)
        .map(claimNameOf)
        .filter((claimName) => this.#kept(claimName, demand).length === 0);
      if (missing.length > 0) {
        const names = missing.map((name) => `'${name}'`).join(', ');
        const what = demand.fromTemplate === true ? 'claims of the template' : 'external volumes';
        this.#fail(demand, `${what} not found: ${names}`);
      }
    }
  }

  #goWhereVolumesAre(demand: VolumeDemand): void {
    for (const volume of demand.volumes) {
      const claimName = claimNameOf(volume);
      if (!this.#exists(claimName)) continue;
      const kept = this.#kept(claimName, demand);
      const matching = kept.filter((claim) => matchesClaim(volume, claim));
      if (matching.length === 0) {
        const there = kept[0]?.driver?.name ?? 'local';
        return this.#fail(
          demand,
          `volume '${claimName}' specification does not match the existing volume, which has driver ${there} and other settings than service '${demand.service}' asks for: change spec.volumes, or choose another claimName`,
        );
      }
      if (matching.some(({ where }) => where === 'anywhere')) continue;
      // A global service gets what it lacks on each node, unless it is somebody else's to make.
      if (demand.mode === 'Global' && volume.external !== true) continue;
      const nodes = new Set(
        matching.flatMap(({ where }) => (typeof where === 'object' ? [where.node] : [])),
      );
      this.#restrict(demand, (node) => nodes.has(node));
    }
    if (this.#allowedOf(demand).size > 0) return;
    const names = demand.volumes.map((volume) => `'${claimNameOf(volume)}'`).join(', ');
    this.#fail(
      demand,
      `unable to find a machine that satisfies service '${demand.service}' placement constraints and has all required volumes: ${names}${this.#whereabouts(demand)}`,
    );
  }

  #whereabouts(demand: VolumeDemand): string {
    const places = demand.volumes.flatMap((volume) =>
      this.#kept(claimNameOf(volume)).flatMap(({ where, claimName }) =>
        typeof where === 'object' ? [`${claimName} is on ${where.node}`] : [],
      ),
    );
    return places.length === 0 ? '' : ` (${places.join(', ')})`;
  }

  /** Volumes of replicated services that nobody has yet, with their users, in order of first mention. */
  #missing(): readonly (readonly [string, readonly VolumeDemand[]])[] {
    return [...this.#users].filter(
      ([claimName, users]) =>
        !this.#exists(claimName) &&
        users.every(({ mode }) => mode === 'Replicated') &&
        !(users.every(({ fromTemplate }) => fromTemplate) && this.#isProvisioned(claimName)),
    );
  }

  #isProvisioned(claimName: string): boolean {
    return this.#kept(claimName).some(({ isProvisioned }) => isProvisioned === true);
  }

  /** Services that share a missing volume go on with the nodes that all of them may have, until that changes nothing more. */
  #agree(): void {
    for (let isChanging = true; isChanging;) {
      isChanging = false;
      for (const [claimName, users] of this.#missing()) {
        const able = users.filter(({ service }) => !this.problems.has(service));
        const common = able
          .map((user) => this.#allowedOf(user))
          .reduce((all, one) => all.intersection(one), this.#allowedOf(able[0] ?? NOBODY));
        if (able.length > 0 && common.size === 0) {
          for (const user of able) this.#fail(user, apart(able, claimName));
          isChanging = true;
          continue;
        }
        for (const user of able) {
          if (this.#restrict(user, (node) => common.has(node))) isChanging = true;
        }
      }
    }
  }

  #create(claimName: string, { volumes, mode }: VolumeDemand, node: string): void {
    const volume = volumes.find((one) => claimNameOf(one) === claimName);
    if (volume === undefined) return;
    const existing = this.#kept(claimName).find(({ where }) => where === 'nowhere')?.name;
    this.creates.push({ claimName, node, volume, mode, existing });
  }

  #createOnEach(demand: VolumeDemand): void {
    const planned = new Set(this.creates.map(placeText));
    const missing = demand.volumes.flatMap((volume) => {
      const claimName = claimNameOf(volume);
      const kept = this.#kept(claimName);
      if (kept.some(({ where }) => where === 'anywhere')) return [];
      const there = new Set(
        kept.flatMap(({ where }) => (typeof where === 'object' ? [where.node] : [])),
      );
      return [{ volume, claimName, there }];
    });
    for (const node of [...this.#allowedOf(demand)].toSorted()) {
      for (const { volume, claimName, there } of missing) {
        if (there.has(node) || planned.has(placeText({ claimName, node }))) continue;
        planned.add(placeText({ claimName, node }));
        this.creates.push({ claimName, node, volume, mode: 'Global', existing: undefined });
      }
    }
  }
}

function placeText({ claimName, node }: Pick<VolumeToCreate, 'claimName' | 'node'>): string {
  return `${claimName}\n${node}`;
}

const NOBODY: VolumeDemand = { service: '', mode: 'Replicated', eligible: [], volumes: [] };

function claimNameOf({ name, claimName = name }: ServiceVolume): string {
  return claimName;
}

/** A claim of a template may be called as the volume of a global service, whose claims have other names. */
function areOfOneKind(first: VolumeDemand, other: VolumeDemand): boolean {
  if (first.service === other.service) return false;
  return first.fromTemplate === other.fromTemplate || first.mode === other.mode;
}

function lowest(nodes: ReadonlySet<string>): string | undefined {
  return [...nodes].toSorted()[0];
}

function apart(users: readonly VolumeDemand[], claimName: string): string {
  const services = [...new Set(users.map(({ service }) => `'${service}'`))];
  const [only] = services;
  if (services.length === 1 && only !== undefined)
    return `unable to find a machine that satisfies service ${only} placement constraints and has all required volumes: '${claimName}'`;
  return `unable to find a machine that satisfies placement constraints for services ${services.join(', ')} that must be placed together to share volume '${claimName}'`;
}

function differs(first: VolumeDemand, other: VolumeDemand, claimName: string): string | undefined {
  const settings = ({ volumes }: VolumeDemand): string => {
    const volume = volumes.find((one) => claimNameOf(one) === claimName);
    const { driver } = volume ?? {};
    return driver === undefined ? 'local []' : `${driver.name || 'local'} ${optionsText(driver)}`;
  };
  if (settings(first) === settings(other)) return undefined;
  return `volume '${claimName}' is defined multiple times with different options, by services '${first.service}' and '${other.service}': give both the same driver, or one another claimName`;
}
