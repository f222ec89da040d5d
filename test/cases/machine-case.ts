// A case of the machine collection: a situation in words, shown by tests that carry its id in their titles. Pure.
import { fieldsOf, ShapeError, textOf } from './shape.ts';
import type { Fields } from './shape.ts';

export interface MachineCase {
  readonly id: string;
  /** The system whose behaviour it is about: k0sctl, unbounded, ksail. */
  readonly system: string;
  readonly area: string;
  readonly name: string;
  /** What is wrong with the entry itself: it has failed. */
  readonly problem?: string;
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

/**
 * An entry that is no case is one with a problem: it hides no other. Beside an id nothing has to be said.
 *
 * @throws ShapeError where the text is no list, SyntaxError where it is no JSON
 */
export function readMachineCases(text: string): readonly MachineCase[] {
  return entriesOf(text).map((entry, index) => {
    const fields: Fields = typeof entry === 'object' && entry !== null ? { ...entry } : {};
    const word = (key: string): string =>
      ['string', 'number'].includes(typeof fields[key]) ? String(fields[key]) : '';
    const [id, area, name] = [word('id'), word('area') || '(no area)', word('name') || '(no name)'];
    const about = { system: word('system') || id.replace(/-.*$/s, ''), area, name };
    if (id !== '') return { id, ...about };
    const { message } = new ShapeError(`case ${index + 1}: id`, 'a text', fields['id']);
    return { id: `#${index + 1}`, ...about, problem: message };
  });
}

const LONGEST_TITLE = 300;

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
  const file: unknown = JSON.parse(text);
  const entries: unknown = Array.isArray(file) ? file : fieldsOf(file, 'the file')['cases'];
  if (!Array.isArray(entries)) throw new ShapeError('the file', 'a list', file);
  return entries;
}

/** A case is shown when a test with its id in the title passed and none failed. A test goes before a row that says why there is none. */
export function machineOutcome(
  one: MachineCase,
  results: readonly TestResult[],
  elsewhere: readonly Elsewhere[],
): MachineOutcome {
  if (one.problem !== undefined) return { result: 'failed', detail: one.problem };
  const named = results.filter(({ title }) => namesId(title, one.id));
  const failed = named.find(({ result }) => result === 'failed');
  if (failed !== undefined)
    return { result: 'failed', detail: `failed: ${failed.title.slice(0, LONGEST_TITLE)}` };
  if (named.some(({ result }) => result === 'passed')) return { result: 'passed', detail: '' };
  const row = elsewhere.find(
    ({ id, system, area }) => id === one.id || (system === one.system && area === one.area),
  );
  if (row !== undefined) return { result: 'elsewhere', detail: row.reason };
  const [skipped] = named;
  const detail = skipped === undefined ? 'no test names it' : `skipped: ${skipped.title}`;
  return { result: 'failed', detail };
}

/** Whether a text names the id as a word of its own, whatever ids look like. */
export function namesId(text: string, id: string): boolean {
  if (id === '') return false;
  for (let at = text.indexOf(id); at !== -1; at = text.indexOf(id, at + 1))
    if (!isOfWord(text[at - 1]) && !isOfWord(text[at + id.length])) return true;
  return false;
}

function isOfWord(character: string | undefined): boolean {
  return character !== undefined && /[\w-]/.test(character);
}
