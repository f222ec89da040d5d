// The query parameters of writes (dryRun, fieldManager, fieldValidation) and what a handler hands to the registry.
import { invalid } from '../api/errors.ts';
import type { FieldError } from '../api/errors.ts';
import type { FieldValidation, PatchType, WriteContext } from '../registry/types.ts';
import type { UserInfo } from '../api/user.ts';

import type { RequestContext } from './context.ts';

const FIELD_MANAGER_LIMIT = 128;
/** What upstream's `unicode.IsPrint` says no to. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

export type WriteOptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

/** The write context of a request. The signal is only made when somebody reads it. */
class RequestWriteContext implements WriteContext {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  readonly fieldManager: string;
  readonly #context: RequestContext;

  constructor(
    context: RequestContext,
    dryRun: boolean,
    fieldValidation: FieldValidation,
    fieldManager: string,
  ) {
    this.#context = context;
    this.dryRun = dryRun;
    this.fieldValidation = fieldValidation;
    this.fieldManager = fieldManager;
  }

  get user(): UserInfo {
    return this.#context.user;
  }

  /** Set by those who may come to create. */
  permitCreate?: () => void;

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** Read again from the query: few are ever shown to anybody. */
  get sentOptions(): Readonly<Record<string, unknown>> {
    const { query } = this.#context.info;
    return Object.fromEntries(
      ['fieldManager', 'fieldValidation']
        .map((name) => [name, query.get(name) ?? ''])
        .filter(([, value]) => value !== ''),
    );
  }

  get deadline(): number {
    return this.#context.startedAt + this.#context.timeoutMs;
  }

  annotate(key: string, value: string): void {
    this.#context.annotate(key, value);
  }

  warn(text: string): void {
    this.#context.warn(text);
  }
}

/**
 * @param patchType of a patch
 * @throws ApiError Invalid, of `kind` in meta.k8s.io, as upstream validates options
 */
export function writeContextOf(
  context: RequestContext,
  kind: WriteOptionsKind,
  patchType?: PatchType,
): RequestWriteContext {
  const { query } = context.info;
  const errors: FieldError[] = [];
  const dryRun = parseDryRun(query.getAll('dryRun'), errors);
  const fieldManager = parseFieldManager(query.get('fieldManager') ?? '', errors);
  const fieldValidation = parseFieldValidation(query.get('fieldValidation') ?? '', errors);
  if (patchType === 'apply') {
    // Who applies says so: from then on the name decides what the next apply may take away.
    if (fieldManager === '') {
      errors.push({
        reason: 'FieldValueRequired',
        field: 'fieldManager',
        message: 'Required value: is required for apply patch',
      });
    }
  } else if (kind === 'PatchOptions' && query.has('force')) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'force',
      message: 'Forbidden: may not be specified for non-apply patch',
    });
  }
  if (errors.length > 0) throw invalidOptions(kind, errors);
  context.isDryRun = dryRun;
  return new RequestWriteContext(
    context,
    dryRun,
    fieldValidation,
    fieldManager === '' ? defaultManager(context) : fieldManager,
  );
}

export function invalidOptions(kind: string, errors: readonly FieldError[]): Error {
  return invalid({ group: 'meta.k8s.io', kind }, '', errors);
}

/** @param errors gets what is wrong */
export function parseDryRun(values: readonly string[], errors: FieldError[]): boolean {
  const unsupported = values.filter((value) => value !== 'All' && value !== '');
  if (unsupported.length > 0) {
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'dryRun',
      message: `Unsupported value: ${JSON.stringify(unsupported)}: supported values: "All"`,
    });
  }
  return values.includes('All');
}

function parseFieldManager(value: string, errors: FieldError[]): string {
  if (value.length > FIELD_MANAGER_LIMIT) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: 'fieldManager',
      message: `Too long: may not be more than ${FIELD_MANAGER_LIMIT} bytes`,
    });
    return value;
  }
  const wrong = value.match(UNPRINTABLE)?.[0];
  if (wrong !== undefined) {
    const code = (wrong.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    errors.push({
      reason: 'FieldValueInvalid',
      field: 'fieldManager',
      message: `Invalid value: ${JSON.stringify(value)}: invalid character U+${code} (at position ${value.indexOf(wrong)})`,
    });
  }
  return value;
}

function parseFieldValidation(value: string, errors: FieldError[]): FieldValidation {
  switch (value) {
    case '':
      return 'Warn';
    case 'Ignore':
    case 'Warn':
    case 'Strict':
      return value;
    default:
      errors.push({
        reason: 'FieldValueNotSupported',
        field: 'fieldValidation',
        message: `Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
      });
      return 'Warn';
  }
}

/** Upstream's default: the user agent up to its first slash, what cannot be printed left out. */
function defaultManager(context: RequestContext): string {
  const agent = context.request.headers['user-agent'] ?? '';
  const slash = agent.indexOf('/');
  const name = (slash < 0 ? agent : agent.slice(0, slash)).replace(UNPRINTABLE, '');
  return name.slice(0, FIELD_MANAGER_LIMIT);
}
