// A case of the service collection, as the file has it: what is there, what is asked for, what must come of it. Whatever is wrong with
// one entry is told of that entry; the rest of the file goes on. Pure.
import type { NeutralSpec } from '#cli/spec/neutral-spec.ts';
import { readSpec } from './read-spec.ts';
import { fieldsOf, flagOf, list, listOf, recordOf, ShapeError, textOf, wordOf } from './shape.ts';
import type { Fields } from './shape.ts';

export interface Machine {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

export interface CaseContainer {
  readonly id: string;
  readonly machine: string;
  readonly state: string;
  readonly spec: NeutralSpec;
  readonly hook?: string;
  /** Name of its service, where that is another one. */
  readonly service?: string;
}

export interface CaseVolume {
  readonly machine: string;
  readonly name: string;
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
}

export interface Initial {
  readonly machines: readonly Machine[];
  /** In listing order: newest first. */
  readonly containers: readonly CaseContainer[];
  readonly volumes: readonly CaseVolume[];
}

/** An operation of the neutral format: `op`, and fields that depend on it. A value `{anyOf, distinct?}` means any of these. */
export type Expected = Fields & { readonly op: string };

export interface ServiceCase {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly initial: Initial;
  /** What the kind asks about: a service spec, or what else the kind has. */
  readonly spec: Fields;
  readonly specs: readonly Fields[];
  readonly options: Fields;
  readonly behaviour: string;
  readonly expectedStatus: string | undefined;
  readonly expected: readonly Expected[];
  readonly orderMatters: boolean;
}

/** An entry that is no case; it counts as one that failed. */
export interface BrokenCase {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly problem: string;
}

const machine = recordOf<Machine>({ id: wordOf, name: wordOf, state: textOf }, ['id', 'name']);
const container = recordOf<CaseContainer>(
  { id: wordOf, machine: wordOf, state: textOf, spec: readSpec, hook: textOf, service: textOf },
  ['id', 'machine', 'spec'],
);
const volume = recordOf<CaseVolume>(
  {
    machine: wordOf,
    name: textOf,
    driver: textOf,
    options: (value, path) => {
      const fields = fieldsOf(value, path);
      return Object.fromEntries(
        Object.entries(fields).map(([name, item]) => [name, wordOf(item, `${path}.${name}`)]),
      );
    },
  },
  ['machine', 'name'],
);
const initial = recordOf<Initial>({
  machines: list(machine),
  containers: list((value, path) => {
    const read: Partial<CaseContainer> = container(value, path);
    return { ...(read as CaseContainer), state: read.state ?? 'running' };
  }),
  volumes: list(volume),
});

/** @throws SyntaxError or ShapeError for a file that is no list of cases at all */
export function readCases(text: string): readonly (ServiceCase | BrokenCase)[] {
  const file: unknown = JSON.parse(text);
  const entries = Array.isArray(file) ? (file as unknown[]) : fieldsOf(file, 'the file')['cases'];
  if (!Array.isArray(entries)) throw new ShapeError('the file', 'a list of cases', file);
  return entries.map((entry, index) => {
    try {
      return readCase(entry, `case ${index + 1}`);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      return { ...nameOf(entry, index), problem: error.message };
    }
  });
}

/** As much as can be told of an entry that is no case. */
function nameOf(entry: unknown, index: number): Omit<BrokenCase, 'problem'> {
  const fields = typeof entry === 'object' && entry !== null ? (entry as Fields) : {};
  const word = (value: unknown, fallback: string): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : fallback;
  return {
    id: word(fields['id'], `#${index + 1}`),
    name: word(fields['name'], '(no name)'),
    kind: word(fields['kind'], '(no kind)'),
  };
}

function readCase(entry: unknown, path: string): ServiceCase {
  const fields = fieldsOf(entry, path);
  const optional = <T>(name: string, read: (value: unknown, path: string) => T): T | undefined => {
    const value = fields[name];
    return value === undefined || value === null ? undefined : read(value, `${path}.${name}`);
  };
  const found = optional('initial', initial);
  return {
    id: wordOf(fields['id'], `${path}.id`),
    name: textOf(fields['name'], `${path}.name`),
    kind: textOf(fields['kind'], `${path}.kind`),
    initial: {
      machines: found?.machines ?? [],
      containers: found?.containers ?? [],
      volumes: found?.volumes ?? [],
    },
    spec: optional('spec', fieldsOf) ?? {},
    specs: listOf(fields['specs'], `${path}.specs`, fieldsOf),
    options: optional('options', fieldsOf) ?? {},
    behaviour: optional('behaviour', textOf) ?? '',
    expectedStatus: optional('expectedStatus', textOf),
    expected: expectedOf(fields['expected'], `${path}.expected`),
    orderMatters: optional('orderMatters', flagOf) ?? true,
  };
}

function expectedOf(value: unknown, path: string): readonly Expected[] {
  if (!Array.isArray(value)) throw new ShapeError(path, 'a list', value);
  return listOf(value, path, (item, itemPath) => {
    const fields = fieldsOf(item, itemPath);
    return { ...fields, op: textOf(fields['op'], `${itemPath}.op`) };
  });
}

/** The service spec of a case. @throws ShapeError */
export function specOf(one: ServiceCase): NeutralSpec {
  return readSpec(one.spec, 'spec');
}

/** All service specs of a case of several services. @throws ShapeError */
export function specsOf(one: ServiceCase): readonly NeutralSpec[] {
  const { specs, spec } = one;
  if (specs.length === 0) return [readSpec(spec, 'spec')];
  return specs.map((each, index) => readSpec(each, `specs[${index}]`));
}

export function flagOption(one: ServiceCase, name: string): boolean {
  const value = one.options[name];
  return value === undefined || value === null ? false : flagOf(value, `options.${name}`);
}

export function textOption(one: ServiceCase, name: string): string | undefined {
  const value = one.options[name];
  return value === undefined || value === null ? undefined : textOf(value, `options.${name}`);
}
