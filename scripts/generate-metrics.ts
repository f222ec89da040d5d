// Writes docs/metrics.md: all metric families of a server, its controllers and its node agent, as these made them when they were
// started here for that. Run it after a family was added: `node scripts/generate-metrics.ts`.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane } from '#controlplane/start.ts';
import { startAgent } from '#controllers/agent/start.ts';
import { startControllers } from '#controllers/start.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import type { MetricFamily } from '#platform/metrics.ts';
import { root } from './generate-crds.ts';

export const METRICS_PAGE = join(root, 'docs', 'metrics.md');

const BEGIN = '<!-- generated from here on: node scripts/generate-metrics.ts -->';

export interface MetricParts {
  readonly server: readonly MetricFamily[];
  readonly controllers: readonly MetricFamily[];
  readonly agent: readonly MetricFamily[];
  readonly process: readonly MetricFamily[];
}

/** Starts everything once, in a temporary folder. */
export async function metricParts(): Promise<MetricParts> {
  const folder = await mkdtemp(join(tmpdir(), 'windlass-metrics-'));
  const [server, controllers, agent, process] = Array.from(
    { length: 4 },
    () => new MetricsRegistry(),
  ) as [MetricsRegistry, MetricsRegistry, MetricsRegistry, MetricsRegistry];
  process.collectProcessMetrics();
  const shared = { logger: silentLogger, clock: systemClock, windlassVersion: '0.0.0' };
  const { signal } = new AbortController();
  const dataDir = join(folder, 'data');
  try {
    const plane = await startControlPlane(
      {
        ...shared,
        dataDir,
        bind: '127.0.0.1',
        port: 0,
        persistence: [`sqlite:${join(dataDir, 'state.db')}`],
        secretsKeys: [{ type: 'file', path: join(folder, 'key') }],
        bootstrapObjects: [],
        audit: {
          policy: { rules: [] },
          path: join(folder, 'audit.log'),
          maxBytes: 1e9,
          maxBackups: 0,
        },
        version: '0.0.0',
        metrics: server,
      },
      signal,
    );
    const running = await startControllers(
      {
        ...shared,
        kubeconfig: await plane.controllersKubeconfig(),
        clusterDomain: 'internal',
        artifacts: { folder: join(folder, 'artifacts'), files: [], environment: {} },
        metrics: controllers,
      },
      signal,
    );
    const node = await startAgent(
      {
        ...shared,
        kubeconfig: await plane.nodeKubeconfig('node'),
        nodeName: 'node',
        dataDir,
        runtime: 'process',
        clusterDomain: 'internal',
        metrics: agent,
      },
      signal,
    );
    await node.close({ stopContainers: true });
    await running.close();
    await plane.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const families = controllers.describe();
  const known = new Set(families.map(({ name }) => name));
  return {
    server: server.describe(),
    controllers: families,
    // Both are in one thread, and share what they are clients with.
    agent: agent.describe().filter(({ name }) => !known.has(name)),
    process: process.describe(),
  };
}

/** The page with its generated part made anew. Pure. */
export function metricsPage(page: string, parts: MetricParts): string {
  const [words = ''] = page.split(BEGIN);
  const tables = [
    ['API server', parts.server],
    ['Controllers', parts.controllers],
    ['Node agent', parts.agent],
    ['Process', parts.process],
  ] as const;
  const text = tables.map(([title, families]) => `## ${title}\n\n${tableOf(families)}\n`);
  return `${words}${BEGIN}\n\n${text.join('\n')}`;
}

function tableOf(families: readonly MetricFamily[]): string {
  const rows = families.map(({ name, type, help, labelNames }) => {
    const [, stability = '', meaning = help] = /^\[(\w+)\] (.*)$/s.exec(help) ?? [];
    const labels = labelNames.map((label) => `\`${label}\``).join(', ');
    return [`\`${name}\``, type, labels, unitOf(name), meaning, stability.toLowerCase()];
  });
  const all = [['name', 'type', 'labels', 'unit', 'meaning', 'stability'], ...rows].map((row) =>
    row.map((cell) =>
      cell
        .replaceAll('|', String.raw`\|`)
        .replaceAll('<', '&lt;')
        .trim(),
    ),
  );
  const widths = all[0]?.map((_, column) =>
    Math.max(3, ...all.map((row) => row[column]?.length ?? 0)),
  );
  const lines = all.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join(' | ')} |`,
  );
  const rule = `| ${widths?.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_timestamp_seconds$|_start_time_seconds$/, 'seconds since 1970'],
  [/_seconds(_total)?$/, 'seconds'],
  [/(_bytes|_sizes)(_total)?$/, 'bytes'],
  [/_info$/, '1'],
];

function unitOf(name: string): string {
  return UNITS.find(([ending]) => ending.test(name))?.[1] ?? '';
}

if (import.meta.main) {
  const page = await readFile(METRICS_PAGE, 'utf8');
  await writeFile(METRICS_PAGE, metricsPage(page, await metricParts()));
  process.exit(0);
}
