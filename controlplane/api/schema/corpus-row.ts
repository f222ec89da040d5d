// Reads one row of corpus.json: `name type tag flags…` (grammar in scripts/corpus/README.md). Used by corpus.ts, which
// makes schemas of rows, and by protobuf.ts, which decodes by them.

/** How a field's value is wrapped, outermost first. `wrapped` is a list that protobuf puts into a message of its own. */
export type Shape = 'list' | 'map' | 'wrapped';

export interface CorpusField {
  /** JSON name; '+' for a struct whose fields belong to the one around it. */
  readonly name: string;
  /** A scalar word (`string`, `time`, `quantity` …) or the component name of a struct. */
  readonly type: string;
  readonly shapes: readonly Shape[];
  /** Whether absence differs from a zero value. */
  readonly pointer: boolean;
  /** Protobuf field number; 0 for fields that do not travel as protobuf. */
  readonly tag: number;
  /** Zero values are not written. */
  readonly omit: boolean;
  readonly patch?: string;
  readonly key?: string;
  readonly list?: string;
  readonly keys?: readonly string[];
  readonly enum?: string;
  readonly mapType?: string;
  readonly default?: unknown;
}

const ROW =
  /^(\S+) (\*?)((?:\[\]|\{\}|\(\))*)\*?(\S+) (\d+)((?: (?!default=)\S+)*)(?: default=(.*))?$/;
const SHAPES: Readonly<Record<string, Shape>> = { '[]': 'list', '{}': 'map', '()': 'wrapped' };

export function parseRow(row: string): CorpusField {
  const match = ROW.exec(row);
  if (match === null)
    throw new Error(`Cannot read the corpus row '${row}': run scripts/corpus again`);
  const [, name = '', pointer, shapes = '', type = '', tag, flags = '', defaultText] = match;
  const named = new Map(
    flags
      .split(' ')
      .filter((flag) => flag !== '')
      .map((flag) => {
        const equals = flag.indexOf('=');
        return equals < 0
          ? ([flag, ''] as const)
          : ([flag.slice(0, equals), flag.slice(equals + 1)] as const);
      }),
  );
  const text = (flag: string): Record<string, string> => {
    const value = named.get(flag);
    return value === undefined ? {} : { [flag]: value };
  };
  const mapType = named.get('structType') ?? named.get('mapType');
  const keys = named.get('keys');
  return {
    name,
    type,
    shapes: (shapes.match(/../g) ?? []).map((shape) => SHAPES[shape] as Shape),
    pointer: pointer === '*',
    tag: Number(tag),
    omit: named.has('omit'),
    ...text('patch'),
    ...text('key'),
    ...text('list'),
    ...text('enum'),
    ...(keys === undefined ? {} : { keys: keys.split(',') }),
    ...(mapType === undefined ? {} : { mapType }),
    ...(defaultText === undefined ? {} : { default: JSON.parse(defaultText) as unknown }),
  };
}
