// An answer that is metrics: OpenMetrics for those who want that more than Prometheus' text, which everybody else gets.
import { OPEN_METRICS_TYPE, openMetricsText } from '#platform/open-metrics.ts';

import type { RequestContext } from './context.ts';
import { parseAccept } from './negotiate.ts';
import { baseHeaders, sendBytes } from './respond.ts';

/** @param text Prometheus' text, of `contentType` */
export function sendMetrics(context: RequestContext, text: string, contentType: string): void {
  const isOpen = wantsOpenMetrics(context.request.headers.accept);
  const headers = baseHeaders(context, isOpen ? OPEN_METRICS_TYPE : contentType);
  sendBytes(context, 200, headers, Buffer.from(isOpen ? openMetricsText(text) : text));
}

/** What is said first of those that are known here counts; whoever says nothing gets Prometheus' text. */
export function wantsOpenMetrics(accept: string | undefined): boolean {
  const first = parseAccept(accept ?? '').find(({ type, parameters }) => {
    const version = parameters.get('version') ?? '1.0.0';
    if (type === 'application/openmetrics-text') return /^"?1\.\d+\.\d+"?$/.test(version);
    return type === 'text/plain' || type === 'text/*' || type === '*/*';
  });
  return first?.type === 'application/openmetrics-text';
}
