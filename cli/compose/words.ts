// Commands of Compose as those of a container in a Pod.
import { literal } from '../spec/container-of-spec.ts';
import type { Field } from './field.ts';
import { shellWords } from './shell-words.ts';

export function shellCommand(line: string): readonly string[] {
  return ['/bin/sh', '-c', literal(line)];
}

/** A command line, or a list of words. */
export function commandWords(field: Field): readonly string[] {
  const words = field.isText
    ? field.attempt(() => shellWords(field.text()))
    : field.items().map((item) => item.text());
  return words.map(literal);
}
