// The last hour of a persistence instance, as the server tells it, and the line of a chart. Pure.

export interface Sample {
  readonly time: string;
  readonly state: string;
  /** Seconds. */
  readonly meanPersistLatency: number;
  readonly lagSeconds: number;
}

export interface History {
  readonly intervalSeconds: number;
  /** Oldest first. */
  readonly samples: readonly Sample[];
}

/** Of the drawing, in units of its own; the style sheet says how large that is. */
export const WIDTH = 120;
export const HEIGHT = 24;
/** What an hour has of looks. */
const MOST = 60;

/** Points of a polyline from the left, the newest at the right edge; the highest value touches the top. */
export function linePoints(values: readonly number[]): string {
  const most = Math.max(...values);
  const step = WIDTH / (MOST - 1);
  return values
    .slice(-MOST)
    .map((value, index, { length }) => {
      const x = WIDTH - (length - 1 - index) * step;
      const y = most > 0 ? HEIGHT - (value / most) * HEIGHT : HEIGHT;
      return `${Number(x.toFixed(1))},${Number(y.toFixed(1))}`;
    })
    .join(' ');
}
