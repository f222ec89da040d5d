// What is written out in an expression and can never do: a whole number that is none of 64 bits, texts that are no duration, no time and
// no regular expression.
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Problem } from './compile-errors.ts';
import { compileRegex } from './functions/regex.ts';
import { EvaluationError } from './meter.ts';
import { parseDuration, parseTime } from './time.ts';
import { childrenOf } from './tree.ts';

const LARGEST = 9_223_372_036_854_775_807n;

export function literalProblems(node: ASTNode): readonly Problem[] {
  const own = problemOf(node);
  // The smallest number there is stands behind a minus sign, and would be too large without.
  const isSmallest =
    node.op === '-_' && node.args.op === 'value' && node.args.args === LARGEST + 1n;
  const below = isSmallest ? [] : childrenOf(node).flatMap(literalProblems);
  return own === undefined ? below : [own, ...below];
}

function problemOf(node: ASTNode): Problem | undefined {
  if (node.op === 'value') {
    const isTooLarge = typeof node.args === 'bigint' && node.args > LARGEST;
    return isTooLarge ? { text: 'invalid int literal', at: node.start } : undefined;
  }
  if (node.op !== 'call' && node.op !== 'rcall') return undefined;
  const [name] = node.args;
  const args = node.op === 'call' ? node.args[1] : node.args[2];
  const argument = args.at(-1);
  if (argument?.op !== 'value' || typeof argument.args !== 'string') return undefined;
  if (isGood(name, argument.args)) return undefined;
  return { text: `invalid ${name} argument`, at: argument.start };
}

function isGood(name: string, text: string): boolean {
  switch (name) {
    case 'duration':
      return parseDuration(text) !== undefined;
    case 'timestamp':
      return parseTime(text) !== undefined;
    case 'matches':
      try {
        compileRegex(text);
        return true;
      } catch (error) {
        if (error instanceof EvaluationError) return false;
        throw error;
      }
    default:
      return true;
  }
}
