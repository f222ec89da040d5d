// What expressions of admission may ask about permissions: `authorizer.group('apps').resource('deployments').check('create').allowed()`.
// Who answers is given with the value; without one nobody has such a value.
import type { UserInfo } from '../../user.ts';
import { Opaque } from '../values.ts';
import type { Value } from '../values.ts';
import { row } from './row.ts';
import type { FunctionRow } from './row.ts';

const SPACE = 'kubernetes.authorization';
const AUTHORIZER = `${SPACE}.Authorizer`;
const RESOURCE = `${SPACE}.ResourceCheck`;
const PATH = `${SPACE}.PathCheck`;
const DECISION = `${SPACE}.Decision`;
/** As upstream prices a question. */
const CHECK_COST = 350_000;

export interface AccessQuestion {
  readonly verb: string;
  /** '' for a resource. */
  readonly path: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
}

export type AskAccess = (
  user: UserInfo,
  question: AccessQuestion,
) => { readonly allowed: boolean; readonly reason: string };

export class AuthorizerValue extends Opaque {
  readonly typeName = AUTHORIZER;
  readonly ask: AskAccess;
  readonly user: UserInfo;
  readonly #own: Partial<AccessQuestion> | undefined;

  /** @param own the resource of the request, which `requestResource` asks about */
  constructor(ask: AskAccess, user: UserInfo, own?: Partial<AccessQuestion>) {
    super();
    this.ask = ask;
    this.user = user;
    this.#own = own;
  }

  canonical(): string {
    return this.user.name;
  }

  override field(name: string): Value | undefined {
    if (name !== 'requestResource' || this.#own === undefined) return undefined;
    return new AccessCheck(this, { ...NOTHING, ...this.#own });
  }
}

export class AccessCheck extends Opaque {
  readonly typeName = RESOURCE;
  readonly authorizer: AuthorizerValue;
  readonly question: Omit<AccessQuestion, 'verb'>;

  constructor(authorizer: AuthorizerValue, question: Omit<AccessQuestion, 'verb'>) {
    super();
    this.authorizer = authorizer;
    this.question = question;
  }

  with(change: Partial<AccessQuestion>): AccessCheck {
    return new AccessCheck(this.authorizer, { ...this.question, ...change });
  }

  canonical(): string {
    return JSON.stringify([this.authorizer.canonical(), this.question]);
  }
}

export class PathCheck extends Opaque {
  readonly typeName = PATH;
  readonly authorizer: AuthorizerValue;
  readonly path: string;

  constructor(authorizer: AuthorizerValue, path: string) {
    super();
    this.authorizer = authorizer;
    this.path = path;
  }

  canonical(): string {
    return JSON.stringify([this.authorizer.canonical(), this.path]);
  }
}

export class DecisionValue extends Opaque {
  readonly typeName = DECISION;
  readonly allowed: boolean;
  readonly reason: string;

  constructor({ allowed, reason }: { readonly allowed: boolean; readonly reason: string }) {
    super();
    this.allowed = allowed;
    this.reason = reason;
  }

  canonical(): string {
    return JSON.stringify([this.allowed, this.reason]);
  }
}

const NOTHING: Omit<AccessQuestion, 'verb'> = {
  path: '',
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  fieldSelector: '',
};

function accountOf(namespace: string, name: string): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${name}`,
    groups: [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ],
  };
}

/** A part of the question that is put in by a method of its name. */
function part(
  name: 'resource' | 'subresource' | 'namespace' | 'name' | 'fieldSelector',
): FunctionRow {
  return row(`${RESOURCE}.${name}(string): ${RESOURCE}`, (_, check: AccessCheck, text: string) =>
    check.with({ [name]: text }),
  );
}

export const authorizerFunctions: readonly FunctionRow[] = [
  row(
    `${AUTHORIZER}.path(string): ${PATH}`,
    (_, authorizer: AuthorizerValue, path: string): Value => new PathCheck(authorizer, path),
  ),
  row(
    `${AUTHORIZER}.group(string): ${RESOURCE}`,
    (_, authorizer: AuthorizerValue, group: string): Value =>
      new AccessCheck(authorizer, { ...NOTHING, group }),
  ),
  row(
    `${AUTHORIZER}.serviceAccount(string, string): ${AUTHORIZER}`,
    (_, { ask }: AuthorizerValue, namespace: string, name: string): Value =>
      new AuthorizerValue(ask, accountOf(namespace, name)),
  ),
  part('resource'),
  part('subresource'),
  part('namespace'),
  part('name'),
  part('fieldSelector'),
  // Rights do not depend on labels: the question is the same.
  row(`${RESOURCE}.labelSelector(string): ${RESOURCE}`, (_, check: AccessCheck) => check),
  row(
    `${RESOURCE}.check(string): ${DECISION}`,
    (meter, { authorizer, question }: AccessCheck, verb: string): Value => {
      meter.spend(CHECK_COST);
      return new DecisionValue(authorizer.ask(authorizer.user, { ...question, verb }));
    },
  ),
  row(
    `${PATH}.check(string): ${DECISION}`,
    (meter, { authorizer, path }: PathCheck, verb: string): Value => {
      meter.spend(CHECK_COST);
      const question = { ...NOTHING, path, verb: verb.toLowerCase() };
      return new DecisionValue(authorizer.ask(authorizer.user, question));
    },
  ),
  row(`${DECISION}.allowed(): bool`, (_, { allowed }: DecisionValue) => allowed),
  row(`${DECISION}.reason(): string`, (_, { reason }: DecisionValue) => reason),
  // A question is always answered here.
  row(`${DECISION}.errored(): bool`, () => false),
  row(`${DECISION}.error(): string`, () => ''),
];
