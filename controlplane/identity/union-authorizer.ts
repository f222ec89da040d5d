// Several authorizers as one: administrators may do everything, else the first that allows it decides.
import { allowed } from './authorizer.ts';
import type { Attributes, Authorizer, Decision } from './authorizer.ts';

/** The group that no role is needed for, and that no role can be taken from. */
export const MASTERS = 'system:masters';

export class UnionAuthorizer implements Authorizer {
  readonly #authorizers: readonly Authorizer[];

  constructor(authorizers: readonly Authorizer[]) {
    this.#authorizers = authorizers;
  }

  authorize(attributes: Attributes): Decision {
    if (attributes.user.groups.includes(MASTERS)) return allowed;
    let reason = '';
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.authorize(attributes);
      if (decision.allowed) return decision;
      if (decision.reason !== '')
        reason = reason === '' ? decision.reason : `${reason}\n${decision.reason}`;
    }
    return { allowed: false, reason };
  }
}
