// What a person needs when a rollout does not get on: which instance, why, the end of its log, what to do next. Pure.

export interface LastWords {
  readonly service: { readonly namespace: string; readonly name: string };
  readonly pod: string;
  /** Why it is not ready; undefined when nothing is known. */
  readonly state: string | undefined;
  /** End of its log; may be empty. */
  readonly log: string;
}

/** More would push the reason out of sight. */
const MOST_LINES = 5;

/** Several lines, without a newline at the end. */
export function lastWords({ service, pod, state, log }: LastWords): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '');
  const inNamespace = service.namespace === 'default' ? '' : ` -n ${service.namespace}`;
  return [
    `${service.name} waits for ${pod}: ${state ?? 'it is not ready yet'}`,
    ...(lines.length === 0
      ? ['  it has logged nothing']
      : ['  its log ends:', ...lines.slice(-MOST_LINES).map((line) => `    ${line}`)]),
    `  next: kubectl describe pod ${pod}${inNamespace}; then mend the manifest and save it`,
  ].join('\n');
}
