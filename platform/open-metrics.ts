// Prometheus text as OpenMetrics 1.0, for those who ask for it. Samples stay as they are; what is said about families is not the same
// in both. Pure.

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/**
 * A counter is named without `_total` there, which only its samples have. Counters whose samples have no such end (some of upstream's)
 * would have to be called something else: they are of unknown type instead, under their own name.
 *
 * @param text whole families, each with HELP and TYPE, as MetricsRegistry exposes them
 */
export function openMetricsText(text: string): string {
  const counters = new Set(
    [...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, name]) => `${name}_total`),
  );
  const nameOf = (name: string): string =>
    counters.has(name) ? name.slice(0, -'_total'.length) : name;
  const families = text
    .replaceAll(/^# TYPE (\S+) (\S+)$/gm, (_line, name: string, type: string) => {
      const isOddCounter = type === 'counter' && !counters.has(name);
      return `# TYPE ${nameOf(name)} ${isOddCounter || type === 'untyped' ? 'unknown' : type}`;
    })
    .replaceAll(
      /^# HELP (\S+) (.*)$/gm,
      (_line, name: string, help: string) =>
        `# HELP ${nameOf(name)} ${help.replaceAll('"', String.raw`\"`)}`,
    )
    .replaceAll(/\n{2,}/g, '\n')
    .replace(/^\n/, '');
  const end = families === '' || families.endsWith('\n') ? '' : '\n';
  return `${families}${end}# EOF\n`;
}
