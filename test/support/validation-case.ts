// One object that an API server should refuse, and what was answered: the form in which the answers of two servers are compared.
import type { RawAnswer, RawApi } from './raw-api.ts';

export type Doc = Record<string, unknown>;

/** Paths of fields, `spec/containers/0/name`, and what they are set to; undefined takes a field away. */
export type Changes = Readonly<Record<string, unknown>>;

/** A good object, what makes a new one of it bad, and (then the first must be good) what makes an update of it bad. */
export type BadObject = readonly [base: string, changes: Changes, update?: Changes];

export interface BaseObject {
  /** `/api/v1/namespaces/NS/pods` */
  readonly collection: string;
  readonly object: Doc;
}

export interface Outcome {
  readonly code: number;
  readonly reason?: string;
  /** `field: reason: message`, in an order of their own. */
  readonly causes?: readonly string[];
  /** Where there are no causes. */
  readonly message?: string;
}

export function titleOf([base, changes, update]: BadObject): string {
  const text = (value: Changes | undefined): string =>
    JSON.stringify(value, (_key, item: unknown) => (item === undefined ? '(absent)' : item)) ?? '';
  const title = `${base} ${text(changes)}${update === undefined ? '' : ` then ${text(update)}`}`;
  return title.replaceAll(/(.)\1{40,}/g, (run, char: string) => `${char}*${run.length}`);
}

function withChanges(object: Doc, changes: Changes): Doc {
  const copy = structuredClone(object);
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('/').map((name) => name.replaceAll('~1', '/'));
    const last = names.pop() ?? '';
    let at = copy;
    for (const name of names) at = (at[name] ??= {}) as Doc;
    if (value === undefined) delete at[last];
    else at[last] = structuredClone(value);
  }
  return copy;
}

/**
 * Without what only upstream's server can say: objects under the names that their fields have in Go, and what differs between two of
 * them. Without what is another one each time.
 */
function plain(message: string): string {
  return message
    .replace(/\n(@@|  [a-z]+\.).*$/s, '')
    .replace(
      /^(Invalid|Unsupported|Duplicate) value: ([[{]+"[^]*[}\]]|\{\})(?=: |$)/,
      '$1 value: {…}',
    )
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UID');
}

function outcomeOf({ code, body }: RawAnswer): Outcome {
  const status = body as {
    readonly kind?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly details?: { readonly causes?: readonly Doc[] };
  };
  if (status.kind !== 'Status') return { code };
  const causes = (status.details?.causes ?? []).map(
    ({ field, reason, message }) =>
      `${String(field)}: ${String(reason)}: ${plain(String(message))}`,
  );
  return {
    code,
    ...(status.reason === undefined ? {} : { reason: status.reason }),
    // Some come in the order of a map of Go, and some twice.
    ...(causes.length > 0
      ? { causes: [...new Set(causes)].toSorted() }
      : { message: plain(status.message ?? '') }),
  };
}

/** Nothing stays behind. */
export async function playBadObject(
  api: RawApi,
  bases: Readonly<Record<string, BaseObject>>,
  [name, changes, update]: BadObject,
): Promise<Outcome> {
  const base = bases[name];
  if (base === undefined) throw new Error(`no base object ${name}`);
  const path = base.collection;
  const first = withChanges(base.object, changes);
  if (update === undefined)
    return outcomeOf(await api.call({ method: 'POST', path: `${path}?dryRun=All`, body: first }));
  const made = await api.call({ method: 'POST', path, body: first });
  if (made.code !== 201) return outcomeOf(made);
  const { name: objectName } = (made.body as { metadata: { name: string } }).metadata;
  try {
    const body = withChanges(made.body as Doc, update);
    return outcomeOf(
      await api.call({ method: 'PUT', path: `${path}/${objectName}?dryRun=All`, body }),
    );
  } finally {
    await api.call({
      method: 'DELETE',
      path: `${path}/${objectName}?gracePeriodSeconds=0&propagationPolicy=Background`,
    });
  }
}
