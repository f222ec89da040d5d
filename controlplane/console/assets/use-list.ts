// A list that a part of the page shows: watched while that part is there, closed with it.
import { useEffect, useMemo, useState } from 'preact/hooks';

import type { Api, ListQuery } from './api.ts';
import type { ApiObject } from './api-object.ts';
import { browserClock } from './browser-clock.ts';
import type { Kind } from './kinds.ts';
import { WatchedList } from './watched-list.ts';
import type { Listed } from './watched-list.ts';

export interface ShownList<T> extends Listed<T> {
  readonly next: () => void;
  readonly previous: () => void;
}

/** What fits on a page. */
export const PAGE_SIZE = 40;

const NOTHING = {
  state: 'Listing',
  items: [],
  failure: undefined,
  remaining: 0,
  hasPrevious: false,
  hasNext: false,
} as const;

export function useList<T extends ApiObject>(
  api: Api,
  kind: Kind,
  { namespace, labelSelector, fieldSelector, limit = PAGE_SIZE }: ListQuery,
): ShownList<T> {
  const [, setVersion] = useState(0);
  const [list, setList] = useState<WatchedList<T> | undefined>(undefined);
  useEffect(() => {
    const query = { namespace, labelSelector, fieldSelector };
    let frame: number | undefined;
    // However many events come in at once, the page is drawn once for them.
    const onChange = (): void => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        setVersion((version) => version + 1);
      });
    };
    const made = new WatchedList<T>(
      {
        clock: browserClock,
        list: (token, signal) => api.list(kind, { ...query, limit, continue: token }, signal),
        watch: (resourceVersion, { onOpen, onMessage, onClose }) => {
          const socket = api.watchSocket(kind, query, resourceVersion);
          socket.addEventListener('open', onOpen);
          socket.addEventListener('message', ({ data }) => onMessage(String(data)));
          socket.addEventListener('close', onClose);
          return () => socket.close();
        },
      },
      onChange,
    );
    setList(made);
    return () => {
      if (frame !== undefined) cancelAnimationFrame(frame);
      made.close();
    };
  }, [api, kind, namespace, labelSelector, fieldSelector, limit]);
  const turn = useMemo(
    () => ({ next: () => list?.next(), previous: () => list?.previous() }),
    [list],
  );
  return { ...(list?.listed ?? NOTHING), ...turn };
}
