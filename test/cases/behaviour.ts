// What happens to containers in a case of kind run, from the words in which the case says it.
import type { Fate } from '#test/support/simulated-nodes.ts';

export interface Behaviour {
  /** Of instances of the new spec. */
  readonly instance: Fate;
  /** Of the hook's container. */
  readonly hook: Fate;
}

/** In this order: the first that is found says it. */
const INSTANCE_WORDS: readonly (readonly [words: RegExp, fate: Fate])[] = [
  [/\bpull|no such image|image .*(not|missing)|create .*fails|fails? to create/, 'never pulled'],
  [/start .*fails|fails? to start|already allocated|cannot start/, 'never started'],
  [/\bcrash|\bexits?\b|\brestart/, 'crashes'],
  [
    /unhealthy|never (becomes? )?(healthy|ready)|stays starting|fails? (its|the) (health|check)/,
    'never ready',
  ],
];

const HOOK_WORDS: readonly (readonly [words: RegExp, fate: Fate])[] = [
  [/exits? 0\b|succeeds?|\bok\b/, 'serves'],
  [/exits?\b|fails?/, 'exits 1'],
  [/sleeps|forever|hangs|never|times? out/, 'goes on'],
];

/** Each part that is about the hook says so; all others are about the instances. */
export function behaviourOf(text: string): Behaviour {
  const parts = text.toLowerCase().split(/[;,]|\bthen\b|\band\b/);
  const about = (isHook: boolean): string =>
    parts.filter((part) => part.includes('hook') === isHook).join(' ');
  return {
    instance: fateOf(about(false), INSTANCE_WORDS) ?? 'serves',
    hook: fateOf(about(true), HOOK_WORDS) ?? 'serves',
  };
}

function fateOf(
  text: string,
  words: readonly (readonly [words: RegExp, fate: Fate])[],
): Fate | undefined {
  return words.find(([pattern]) => pattern.test(text))?.[1];
}
