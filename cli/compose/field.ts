// One value of a Compose file and where it stands: reading it as what it should be, or saying what is wrong with it.
import { closest } from '../closest.ts';
import { ManifestError } from '../apply/manifest.ts';
import type { ComposeMap, ComposePath, ComposeValue } from './document.ts';
import { parseBytes, parseComposeDuration } from './units.ts';

/** The file that a field is of. */
export interface FieldSource {
  readonly file: string;
  readonly lineOf: (path: ComposePath) => number;
  /** Takes what the person should know although it is no error. */
  readonly warn: (text: string) => void;
}

export class Field {
  readonly value: ComposeValue;
  readonly path: ComposePath;
  readonly #source: FieldSource;

  constructor(value: ComposeValue, path: ComposePath, source: FieldSource) {
    this.value = value;
    this.path = path;
    this.#source = source;
  }

  /** `services.web.ports[0]` */
  get name(): string {
    return pathText(this.path);
  }

  /** Last part of the path. */
  get key(): string {
    return String(this.path.at(-1) ?? '');
  }

  get file(): string {
    return this.#source.file;
  }

  get line(): number {
    return this.#source.lineOf(this.path);
  }

  get isNull(): boolean {
    return this.value === null;
  }

  get isText(): boolean {
    return typeof this.value === 'string';
  }

  get isList(): boolean {
    return Array.isArray(this.value);
  }

  get isMap(): boolean {
    return typeof this.value === 'object' && this.value !== null && !this.isList;
  }

  /** @throws ManifestError always */
  fail(what: string): never {
    throw new ManifestError({ file: this.#source.file, line: this.line }, `${this.name}: ${what}`);
  }

  warn(what: string): void {
    this.#source.warn(`${this.#source.file}, line ${this.line}: ${this.name}: ${what}`);
  }

  /** Runs `parse`; what it throws is told of this field. */
  attempt<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (error instanceof ManifestError) throw error;
      return this.fail((error as Error).message);
    }
  }

  /** The field below that has this key; undefined when it is absent or empty. */
  get(key: string): Field | undefined {
    const map = this.#map();
    const value = Object.hasOwn(map, key) ? map[key] : undefined;
    return value === undefined || value === null ? undefined : this.#below(key, value);
  }

  entries(): readonly (readonly [string, Field])[] {
    return Object.entries(this.#map()).map(([key, value]) => [key, this.#below(key, value)]);
  }

  items(): readonly Field[] {
    if (!Array.isArray(this.value)) this.fail(`must be a list, found ${this.shown()}`);
    return (this.value as readonly ComposeValue[]).map((value, index) => this.#below(index, value));
  }

  /** Of a list, or of one value that stands for a list of one. */
  itemsOrOne(): readonly Field[] {
    return this.isText ? [this] : this.items();
  }

  text(): string {
    return typeof this.value === 'string'
      ? this.value
      : this.fail(`must be a text, found ${this.shown()}`);
  }

  integer(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): number {
    const text = this.text();
    const number = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    const bound = maximum === Number.MAX_SAFE_INTEGER ? '' : ` to ${maximum}`;
    return this.fail(
      `must be a whole number from ${minimum}${bound}, found ${JSON.stringify(text)}`,
    );
  }

  decimal(minimum: number, maximum: number): number {
    const text = this.text();
    const number = /^\+?(\d{1,12}(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (number >= minimum && number <= maximum) return number;
    return this.fail(
      `must be a number from ${minimum} to ${maximum}, found ${JSON.stringify(text)}`,
    );
  }

  boolean(): boolean {
    const text = this.text().toLowerCase();
    if (['true', 'yes', 'on', 'y', '1', 't'].includes(text)) return true;
    if (['false', 'no', 'off', 'n', '0', 'f'].includes(text)) return false;
    return this.fail(`must be true or false, found ${JSON.stringify(this.text())}`);
  }

  /** One of these words, in any case. */
  choice<const T extends string>(choices: readonly T[], what = 'value'): T {
    const text = this.text();
    const found = choices.find((one) => one === text.toLowerCase());
    return found ?? this.fail(`invalid ${what} '${text}', use ${choices.join(', ')}`);
  }

  /** Milliseconds. */
  duration(): number {
    const ms = parseComposeDuration(this.text());
    if (ms !== undefined) return ms;
    return this.fail(
      `must be a duration such as 30s, 1m30s or 500ms, found ${JSON.stringify(this.text())}`,
    );
  }

  bytes(): number {
    const bytes = parseBytes(this.text());
    if (bytes !== undefined) return bytes;
    return this.fail(`must be a size such as 64m or 2g, found ${JSON.stringify(this.text())}`);
  }

  /** Octal, as chmod has it. */
  fileMode(): number {
    const text = this.text();
    const digits = /^0?o?([0-7]{1,4})$/.exec(text)?.[1];
    const mode = digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
    if (mode <= 0o777) return mode;
    return this.fail(`must be permissions such as "0440", found ${JSON.stringify(text)}`);
  }

  /** Tells of keys that are none of `known`; `x-…` is for others and passed over. */
  refuseUnknown(known: readonly string[]): void {
    for (const [key, field] of this.entries()) {
      if (known.includes(key) || key.startsWith('x-')) continue;
      const near = closest(key, known);
      field.fail(`unknown field${near === undefined ? '' : `; did you mean ${near}?`}`);
    }
  }

  /** What was found, for messages. */
  shown(): string {
    if (this.isNull) return 'nothing';
    if (this.isList) return 'a list';
    return this.isMap ? 'a map' : JSON.stringify(this.value);
  }

  #map(): ComposeMap {
    if (!this.isMap) this.fail(`must be a map, found ${this.shown()}`);
    return this.value as ComposeMap;
  }

  #below(key: string | number, value: ComposeValue): Field {
    return new Field(value, [...this.path, key], this.#source);
  }
}

/** `['services', 'web', 'ports', 0]` → `services.web.ports[0]`; keys with other characters are quoted. */
export function pathText(path: ComposePath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[\w-]+$/.test(part)) return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}
