// `depends_on`: who waits for whom, which services a selection takes along, and an order in which each comes after what it needs.
import type { Field } from './field.ts';

/** Names of the services that one waits for. */
export function dependenciesOf(service: Field, declared: ReadonlySet<string>): readonly string[] {
  const section = service.get('depends_on');
  if (section === undefined) return [];
  const found: string[] = [];
  const entries = section.isMap
    ? section.entries()
    : section.items().map((item) => [item.text(), undefined, item] as const);
  for (const [name, options, item] of entries.map(([a, b, c]) => [a, b, c ?? b] as const)) {
    const isRequired = options === undefined || options.isNull ? true : conditionOf(options);
    if (declared.has(name)) found.push(name);
    else if (isRequired) item?.fail(`there is no service '${name}' to wait for`);
  }
  return [...new Set(found)];
}

/** Whether it is required. A new revision waits until what it needs is ready: both conditions that can be are met by that. */
function conditionOf(options: Field): boolean {
  options.refuseUnknown(['condition', 'required', 'restart']);
  const condition = options
    .get('condition')
    ?.choice(['service_started', 'service_healthy', 'service_completed_successfully'], 'condition');
  if (condition === 'service_completed_successfully')
    options.fail(
      'a service never completes: its instances are kept running; write what runs once as x-pre_deploy of the service that waits for it',
    );
  if (options.get('restart')?.boolean() === true)
    options
      .get('restart')
      ?.warn('ignored: a service is not restarted when one that it needs changes');
  return options.get('required')?.boolean() ?? true;
}

/** The names, and all that they need. */
export function withDependencies(
  names: readonly string[],
  dependencies: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const all = new Set<string>();
  const visit = (name: string): void => {
    if (all.has(name)) return;
    all.add(name);
    dependencies.get(name)?.forEach(visit);
  };
  names.forEach(visit);
  return all;
}

/**
 * What is needed first; otherwise in the order of the map.
 *
 * @param onCycle called with the names of a circle, the first one again at the end
 */
export function inOrder(
  dependencies: ReadonlyMap<string, readonly string[]>,
  onCycle: (names: readonly string[]) => void,
): readonly string[] {
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]): void => {
    if (done.has(name) || !dependencies.has(name)) return;
    if (above.includes(name)) {
      onCycle([...above.slice(above.indexOf(name)), name]);
      return;
    }
    for (const needed of dependencies.get(name) ?? []) visit(needed, [...above, name]);
    done.add(name);
  };
  for (const name of dependencies.keys()) visit(name, []);
  return [...done];
}
