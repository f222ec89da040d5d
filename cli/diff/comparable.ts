// Objects as texts that are worth comparing: without what the server keeps for itself, and with secrets hidden. Pure.
import { stringify } from 'yaml';
import type { ApiObject } from '#controllers/machinery/client-types.ts';

type Fields = Readonly<Record<string, unknown>>;

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** Of the metadata; they change with each write, or are of no meaning for what is wanted. */
const BOOKKEEPING = ['managedFields', 'resourceVersion', 'generation', 'uid', 'creationTimestamp'];

/** YAML of both, keys sorted; '' for one that is not there. */
export function comparable(
  before: ApiObject | undefined,
  after: ApiObject,
): { readonly before: string; readonly after: string } {
  const left = before === undefined ? undefined : stripped(before);
  const right = stripped(after);
  if (after.kind === 'Secret') {
    const [hiddenLeft, hiddenRight] = hideSecrets(left, right);
    return { before: textOf(hiddenLeft), after: textOf(hiddenRight) };
  }
  return { before: textOf(left), after: textOf(right) };
}

function textOf(value: Fields | undefined): string {
  return value === undefined ? '' : stringify(value, { sortMapEntries: true, lineWidth: 0 });
}

function stripped(object: ApiObject): Fields {
  const {
    status: _status,
    metadata,
    ...rest
  } = object as ApiObject & { readonly status?: unknown };
  const { annotations = {}, ...others } = metadata;
  const kept = Object.entries(others).filter(([field]) => !BOOKKEEPING.includes(field));
  const notes = Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED);
  return {
    ...rest,
    metadata: {
      ...Object.fromEntries(kept),
      ...(notes.length === 0 ? {} : { annotations: Object.fromEntries(notes) }),
    },
  };
}

/** Only whether a value changed is told, never what it is. */
function hideSecrets(
  before: Fields | undefined,
  after: Fields,
): readonly [Fields | undefined, Fields] {
  let left = before;
  let right = after;
  for (const field of ['data', 'stringData']) {
    const old = mapOf(before?.[field]);
    const fresh = mapOf(after[field]);
    const hide = (values: Fields, mark: string): Fields =>
      Object.fromEntries(
        Object.keys(values).map((key) => [key, old[key] === fresh[key] ? '***' : `*** (${mark})`]),
      );
    if (left?.[field] !== undefined) left = { ...left, [field]: hide(old, 'before') };
    if (right[field] !== undefined) right = { ...right, [field]: hide(fresh, 'after') };
  }
  return [left, right];
}

function mapOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
