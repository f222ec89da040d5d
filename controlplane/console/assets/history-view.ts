// The last hour of a persistence instance as two lines, which also say in words what they show.
import { h } from 'preact';
import type { ComponentChild } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { Api } from './api.ts';
import { browserClock } from './browser-clock.ts';
import { HEIGHT, linePoints, WIDTH } from './history.ts';
import type { History, Sample } from './history.ts';
import { pathOf, PERSISTENCE_INSTANCES } from './kinds.ts';
import { secondsText } from './machine.ts';

/** The server looks once a minute. */
const EVERY_MS = 60_000;

export function HistoryView({
  api,
  name,
}: {
  readonly api: Api;
  readonly name: string;
}): ComponentChild {
  const [history, setHistory] = useState<History | undefined>(undefined);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const end = new AbortController();
    const path = pathOf(PERSISTENCE_INSTANCES, { name, subresource: 'history' });
    // Whoever may not see it sees the rest: there is no chart then.
    api.request<History>('GET', path, { signal: end.signal }).then(setHistory, () => undefined);
    const cancel = browserClock.later(EVERY_MS, () => setRound(round + 1));
    return () => {
      end.abort();
      cancel();
    };
  }, [api, name, round]);
  if (history === undefined || history.samples.length === 0) return null;
  const { samples } = history;
  return h(
    'div',
    { class: 'history' },
    h(Line, { what: 'Latency', samples, of: ({ meanPersistLatency }) => meanPersistLatency }),
    h(Line, { what: 'Behind', samples, of: ({ lagSeconds }) => lagSeconds }),
  );
}

function Line({
  what,
  samples,
  of,
}: {
  readonly what: string;
  readonly samples: readonly Sample[];
  readonly of: (sample: Sample) => number;
}): ComponentChild {
  const values = samples.map(of);
  const most = secondsText(Math.max(...values));
  const label = `${what} over the last hour: ${most} at most, ${secondsText(values.at(-1))} at last`;
  return h(
    'div',
    null,
    h(
      'svg',
      {
        class: 'line',
        role: 'img',
        'aria-label': label,
        viewBox: `0 -1 ${WIDTH} ${HEIGHT + 2}`,
        preserveAspectRatio: 'none',
      },
      h('polyline', { points: linePoints(values), fill: 'none' }),
    ),
    h('span', { class: 'detail', 'aria-hidden': 'true' }, `${what.toLowerCase()} ≤ ${most}`),
  );
}
