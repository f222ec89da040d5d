// The time of now for ages that are shown, moved on now and then: no timer for each cell.
import { useEffect, useState } from 'preact/hooks';

import { browserClock } from './browser-clock.ts';

const EVERY_MS = 10_000;

export function useNow(): number {
  const [now, setNow] = useState(() => browserClock.now());
  useEffect(() => browserClock.later(EVERY_MS, () => setNow(browserClock.now())), [now]);
  return now;
}
