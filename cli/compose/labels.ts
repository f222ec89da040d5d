// Labels of Compose as labels and annotations of Kubernetes: what a label cannot hold is kept as an annotation.
import type { Field } from './field.ts';
import { entriesOf } from './texts.ts';

export interface Labels {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Keys that steer Kubernetes or us: a file that sets them does not know what it does. */
const RESERVED = /(^|\.)(windlass\.dev|kubernetes\.io|k8s\.io)\//;

export function labelsOf(labels: Field | undefined, annotations?: Field): Labels {
  const [asLabels, asAnnotations]: [[string, string][], [string, string][]] = [[], []];
  for (const [key, value = '', field] of entriesOf(labels)) {
    if (!isKey(field, key)) continue;
    if (value === '' || NAME.test(value)) asLabels.push([key, value]);
    else asAnnotations.push([key, value]);
  }
  for (const [key, value = '', field] of entriesOf(annotations))
    if (isKey(field, key)) asAnnotations.push([key, value]);
  return {
    ...(asLabels.length === 0 ? {} : { labels: Object.fromEntries(asLabels) }),
    ...(asAnnotations.length === 0 ? {} : { annotations: Object.fromEntries(asAnnotations) }),
  };
}

function isKey(field: Field, key: string): boolean {
  if (RESERVED.test(key)) field.fail(`${key} is reserved`);
  const [first = '', second, ...more] = key.split('/');
  const name = second ?? first;
  const isPrefixed = second !== undefined;
  const isWell =
    more.length === 0 &&
    NAME.test(name) &&
    (!isPrefixed || (PREFIX.test(first) && first.length <= 253));
  if (!isWell) field.warn(`'${key}' cannot be the key of a label here; ignored`);
  return isWell;
}
