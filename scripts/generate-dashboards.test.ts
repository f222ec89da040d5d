import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { root } from './generate-crds.ts';
import { renderDashboards } from './generate-dashboards.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string;
      readonly annotations?: Readonly<Record<string, string>>;
      readonly labels?: Readonly<Record<string, string>>;
    }[];
  }[];
}

test('deploy/monitoring/dashboards holds exactly what the generator writes', async () => {
  const rendered = renderDashboards();
  const folder = join('deploy', 'monitoring', 'dashboards');
  const present = (await readdir(join(root, folder))).map((name) => join(folder, name));
  assert.deepEqual(present.toSorted(), [...rendered.keys()].toSorted());
  for (const [path, content] of rendered)
    assert.equal(await readFile(join(root, path), 'utf8'), content, `${path} is out of date`);
});

test('each alert has a severity, words, a section of docs/runbooks.md and a test, and no section is for nothing', async () => {
  const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
  const { groups } = parse(await read('deploy/monitoring/rules.yaml')) as Rules;
  const alerts = groups.flatMap(({ rules }) => rules).filter(({ alert }) => alert !== undefined);
  const tests = await read('deploy/monitoring/rules.test.yaml');
  for (const { alert = '', annotations, labels } of alerts) {
    assert.ok(['critical', 'warning'].includes(labels?.['severity'] ?? ''), alert);
    assert.ok(annotations?.['summary'] && annotations['description'], alert);
    assert.equal(annotations['runbook_url'], `docs/runbooks.md#${alert.toLowerCase()}`);
    assert.ok(tests.includes(`ALERTS{alertname="${alert}"}`), `${alert} never fires in a test`);
    assert.ok(
      tests.includes(`alertname: ${alert}\n        exp_alerts: []`),
      `${alert} when healthy`,
    );
  }
  const sections = [...(await read('docs/runbooks.md')).matchAll(/^## (\w+)$/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(
    sections,
    alerts.map(({ alert }) => alert),
  );
});
