// What a ValidatingAdmissionPolicy checks and notes, compiled once.
import type { Compiled } from '../../api/cel/composed-variables.ts';
import { PolicyExpressions } from './policy-expressions.ts';
import type { ValidatingPolicy } from './policy.ts';

export interface CompiledValidation {
  readonly text: string;
  readonly check: Compiled;
  readonly message: string;
  readonly messageExpression: Compiled | undefined;
  readonly reason: string;
}

export class PolicyProgram {
  readonly expressions: PolicyExpressions;
  readonly validations: readonly CompiledValidation[];
  readonly auditAnnotations: readonly {
    readonly name: string;
    readonly text: string;
    readonly value: Compiled;
  }[];

  private constructor(expressions: PolicyExpressions, policy: ValidatingPolicy) {
    this.expressions = expressions;
    this.validations = policy.validations.map(({ text, message, messageExpression, reason }) => ({
      text,
      check: expressions.compile(text),
      message,
      messageExpression:
        messageExpression === '' ? undefined : expressions.compile(messageExpression),
      reason,
    }));
    this.auditAnnotations = policy.auditAnnotations.map(({ name, text }) => ({
      name,
      text,
      value: expressions.compile(text),
    }));
  }

  static async load(policy: ValidatingPolicy): Promise<PolicyProgram> {
    return new PolicyProgram(await PolicyExpressions.load(policy), policy);
  }
}
