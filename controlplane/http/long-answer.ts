// A watch, a followed log or another answer that goes on until somebody ends it: it has no deadline, and is not in anybody's way.
import type { RequestContext } from './context.ts';
import type { Services } from './services.ts';

export function beginLongAnswer(
  { metrics, fairness }: Pick<Services, 'metrics' | 'fairness'>,
  context: RequestContext,
): void {
  context.isLongRunning = true;
  metrics.longRunningStarted(context);
  context.audit?.responseStarted(200);
  fairness.leave(context);
}
