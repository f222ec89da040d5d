// One object, watched: what is common to all pages about one.
import type { ComponentChild } from 'preact';
import { h } from 'preact';

import type { Api } from './api.ts';
import type { ApiObject } from './api-object.ts';
import type { Kind } from './kinds.ts';
import { Failure, shown } from './parts.ts';
import { useList } from './use-list.ts';
import type { ShownList } from './use-list.ts';

export function ObjectPage<T extends ApiObject>({
  api,
  kind,
  namespace,
  name,
  what,
  content,
}: {
  readonly api: Api;
  readonly kind: Kind;
  readonly namespace?: string;
  readonly name: string;
  /** `service` */
  readonly what: string;
  readonly content: (object: T, list: ShownList<T>) => ComponentChild;
}): ComponentChild {
  const list = useList<T>(api, kind, { namespace, fieldSelector: `metadata.name=${name}` });
  const [object] = list.items;
  if (object !== undefined) return content(object, list);
  if (list.failure !== undefined)
    return h(Failure, { what: `the ${what} ${shown(name)}`, failure: list.failure });
  const where = namespace === undefined ? '' : ` in ${shown(namespace)}`;
  const text = list.state === 'Live' ? `There is no ${what} ${shown(name)}${where}` : 'Loading';
  return h('p', { class: 'none', role: 'status' }, text);
}
