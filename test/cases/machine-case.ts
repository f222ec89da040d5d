// A case of the machine collection: a situation in words, shown by tests that carry its id in their titles. Pure.
import { fieldsOf, textOf } from './shape.ts';

export interface MachineCase {
  readonly id: string;
  /** The system whose behaviour it is about: k0sctl, unbounded, ksail. */
  readonly system: string;
  readonly area: string;
  readonly name: string;
}

/** Why a case, or all of an area, has nothing to be shown on here. */
export interface Elsewhere {
  readonly id: string | undefined;
  readonly system: string | undefined;
  readonly area: string | undefined;
  readonly reason: string;
}

/** What came of one test: the title as it ran. */
export interface TestResult {
  readonly title: string;
  readonly result: 'passed' | 'failed' | 'skipped';
}

export interface MachineOutcome {
  readonly result: 'passed' | 'failed' | 'elsewhere';
  /** Why it failed, or why it has nothing to be shown on. */
  readonly detail: string;
}

/** Throws ShapeError where the text is no list of cases. */
export function readMachineCases(text: string): readonly MachineCase[] {
  return entriesOf(text).map((entry, index) => {
    const fields = fieldsOf(entry, `case ${index + 1}`);
    const where = `case ${index + 1}`;
    return {
      id: textOf(fields['id'], `${where}: id`),
      system: textOf(fields['system'], `${where}: system`),
      area: textOf(fields['area'], `${where}: area`),
      name: textOf(fields['name'], `${where}: name`),
    };
  });
}

/** Throws ShapeError where a row has neither an id nor a system and an area, or no reason. */
export function readElsewhere(text: string): readonly Elsewhere[] {
  return entriesOf(text).map((entry, index) => {
    const where = `row ${index + 1}`;
    const fields = fieldsOf(entry, where);
    const isOfArea = fields['id'] === undefined;
    return {
      id: isOfArea ? undefined : textOf(fields['id'], `${where}: id`),
      system: isOfArea ? textOf(fields['system'], `${where}: system`) : undefined,
      area: isOfArea ? textOf(fields['area'], `${where}: area`) : undefined,
      reason: textOf(fields['reason'], `${where}: reason`),
    };
  });
}

function entriesOf(text: string): readonly unknown[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new TypeError('the file holds no list');
  return value;
}

/** A case is shown when a test with its id in the title passed and none failed. A test goes before a row that says why there is none. */
export function machineOutcome(
  one: MachineCase,
  results: readonly TestResult[],
  elsewhere: readonly Elsewhere[],
): MachineOutcome {
  const named = results.filter(({ title }) => idsOf(title).includes(one.id));
  const failed = named.find(({ result }) => result === 'failed');
  if (failed !== undefined) return { result: 'failed', detail: `failed: ${failed.title}` };
  if (named.some(({ result }) => result === 'passed')) return { result: 'passed', detail: '' };
  const row = elsewhere.find(
    ({ id, system, area }) => id === one.id || (system === one.system && area === one.area),
  );
  if (row !== undefined) return { result: 'elsewhere', detail: row.reason };
  const [skipped] = named;
  const detail = skipped === undefined ? 'no test names it' : `skipped: ${skipped.title}`;
  return { result: 'failed', detail };
}

/** The ids that a text names, each a word and a number of three digits. */
export function idsOf(text: string): readonly string[] {
  return [...text.matchAll(/\b[a-z][a-z0-9]*-\d{3}\b/g)].map(([id]) => id);
}
