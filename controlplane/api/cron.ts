// Schedules in the form of crontab(5): five fields, or a word such as `@daily`. Only whether one can be read; when it falls
// due is the business of whoever acts on it.

const FIELDS = [
  { minimum: 0, maximum: 59, names: [] },
  { minimum: 0, maximum: 23, names: [] },
  { minimum: 1, maximum: 31, names: [] },
  { minimum: 1, maximum: 12, names: 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ') },
  { minimum: 0, maximum: 6, names: 'sun mon tue wed thu fri sat'.split(' ') },
] as const;

const WORDS = new Set([
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
]);
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;

/** What is wrong with a schedule, or undefined. */
export function cronProblem(schedule: string): string | undefined {
  const text = schedule.trim();
  if (text === '') return 'empty spec string';
  if (text.startsWith('@every ')) {
    const every = text.slice('@every '.length);
    return DURATION.test(every) ? undefined : `failed to parse duration ${text}`;
  }
  if (text.startsWith('@')) {
    return WORDS.has(text) ? undefined : `unrecognized descriptor: ${text}`;
  }
  const parts = text.split(/\s+/);
  if (parts.length !== FIELDS.length) {
    const found = `[${parts.join(' ')}]`;
    return `expected exactly ${FIELDS.length} fields, found ${parts.length}: ${found}`;
  }
  for (const [index, field] of FIELDS.entries()) {
    for (const part of (parts[index] ?? '').split(',')) {
      const wrong = partProblem(part, field);
      if (wrong !== undefined) return wrong;
    }
  }
  return undefined;
}

interface Field {
  readonly minimum: number;
  readonly maximum: number;
  readonly names: readonly string[];
}

/** `*`, `5`, `1-5`, `mon-fri`, each with an optional `/step`. */
function partProblem(part: string, field: Field): string | undefined {
  const [range = '', step, ...more] = part.split('/');
  if (more.length > 0) return `too many slashes: ${part}`;
  if (step !== undefined && !/^\d+$/.test(step)) return `failed to parse int from ${step}`;
  if (step !== undefined && Number(step) === 0) {
    return `step of range should be a positive number: ${part}`;
  }
  if (range === '*' || range === '?') return undefined;
  const [low = '', high, ...rest] = range.split('-');
  if (rest.length > 0) return `too many hyphens: ${part}`;
  const start = valueOf(low, field);
  const end = high === undefined ? start : valueOf(high, field);
  if (start === undefined || end === undefined) {
    return `failed to parse int from ${start === undefined ? low : (high ?? '')}`;
  }
  const { minimum, maximum } = field;
  if (start < minimum) return `beginning of range (${start}) below minimum (${minimum}): ${part}`;
  if (end > maximum) return `end of range (${end}) above maximum (${maximum}): ${part}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${part}`;
  return undefined;
}

function valueOf(text: string, { names, minimum }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + minimum;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
