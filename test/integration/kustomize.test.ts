// deploy/kustomize as a user applies it, here to our own server: what it renders, and that controllers with its flags and the token of
// its ServiceAccount roll out a Service and show their health and metrics. The Helm chart is the same.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { ask } from '#cli/serving/ask-fixture.ts';
import { startControllers } from '#controllers/start.ts';
import { systemClock } from '#platform/clock.ts';
import { silentLogger } from '#platform/logging.ts';
import { MetricsRegistry } from '#platform/metrics.ts';
import { outputOf } from '../support/command.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-ports.ts';
import { Kubectl, kubectlBinary, missingKubectl } from '../support/kubectl.ts';
import { needs } from '../support/missing-part.ts';
import { ServiceBench } from '../support/service-bench.ts';
import { SimulatedNodes } from '../support/simulated-nodes.ts';
import { launcher, projectRoot } from '../support/windlass.ts';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
interface Deployment extends Manifest {
  readonly spec: {
    readonly template: {
      readonly metadata: Record<string, unknown>;
      readonly spec: Record<string, unknown> & {
        readonly containers: readonly [
          Record<string, unknown> & { readonly args: readonly string[] },
        ];
      };
    };
  };
}

const KUSTOMIZE = join(projectRoot, 'deploy', 'kustomize');
const CHART = join(projectRoot, 'deploy', 'helm', 'windlass');
/** As on any other server than ours, whose own controllers do the rest. */
const OWN = ['service', 'artifact', 'infra-provider', 'machine', 'machine-operation', 'cluster'];

test('deploy/kustomize and the Helm chart are the same', needs(missingKubectl()), async () => {
  const rendered = await render();
  const chart = ['rbac', 'controllers'].flatMap((name) => filledIn(`templates/${name}.yaml`));
  const crds = manifestsIn(readFileSync(join(CHART, 'crds', 'windlass.dev.yaml'), 'utf8'));
  const isMadeByHelm = ({ kind }: Manifest): boolean => kind !== 'Namespace';
  assert.deepEqual(
    sorted([...crds, ...chart].map(withoutEmpty)),
    sorted(rendered.filter(isMadeByHelm).map(withoutEmpty)),
  );
});

test(
  'what deploy/kustomize installs rolls out a Service, with its permissions and no others',
  needs(missingKubectl()),
  async (t) => {
    const plane = await TestControlPlane.start(t);
    const { client, signal, folder } = plane;
    const kubectl = new Kubectl(plane.kubeconfig, folder);
    await kubectl.ok(['apply', '--server-side', '-k', KUSTOMIZE]);
    // And once more, as an upgrade does.
    await kubectl.ok(['apply', '--server-side', '-k', KUSTOMIZE]);
    await kubectl.ok(['wait', '--for=condition=Established', 'crd/services.windlass.dev']);
    const namespace = 'windlass-system';
    const deployment = await kubectl.json<Deployment>([
      'get',
      'deploy',
      '-n',
      namespace,
      'windlass-controllers',
    ]);
    const [{ args }] = deployment.spec.template.spec.containers;

    const tokenOf = async (account: string): Promise<string> =>
      (await kubectl.ok(['create', 'token', account, '-n', namespace])).trim();
    const port = await freePort();
    const places: Readonly<Record<string, string>> = {
      '--kubeconfig': kubeconfigWith(plane, await tokenOf('windlass-controllers')),
      '--leader-elect-resource-namespace': namespace,
      '--artifact-store': join(folder, 'artifacts'),
      '--metrics-bind': `0.0.0.0:${port}`,
    };
    // The flags are those of the Deployment; where they lead is another place here.
    const flags = args.map((one) => {
      const [flag = ''] = one.split('=');
      return one === 'controllers' ? one : `${flag}=${places[flag] ?? assert.fail(one)}`;
    });
    const controllers = start(t, [...flags, ...OWN.map((name) => `--only=${name}`)]);
    await startControllers(
      {
        kubeconfig: plane.kubeconfig,
        clock: systemClock,
        logger: silentLogger,
        metrics: new MetricsRegistry(),
        clusterDomain: 'internal',
        controllers: ['scheduler'],
      },
      signal,
    );
    const nodes = new SimulatedNodes(client, signal);
    for (const name of ['n1', 'n2']) await nodes.add(name);
    const bench = new ServiceBench(plane, nodes);
    await bench.create('v1');
    await bench.settled('v1', 3);
    await bench.update('v2');
    await bench.settled('v2', 3);
    const lease = ['get', 'lease', '-n', namespace, 'windlass-controllers', '-o', 'name'];
    assert.match(await kubectl.ok(lease), /^lease/);

    const url = `https://127.0.0.1:${port}`;
    await eventually('it is ready', async () => {
      assert.equal((await ask(`${url}/readyz`)).status, 200, controllers.output());
    });
    for (const account of ['prometheus', 'nobody'])
      await kubectl.ok(['create', 'serviceaccount', account, '-n', namespace]);
    const binding = [
      'create',
      'clusterrolebinding',
      'prometheus',
      '--clusterrole=system:monitoring',
    ];
    await kubectl.ok([...binding, `--serviceaccount=${namespace}:prometheus`]);
    const scrape = (token: string): ReturnType<typeof ask> =>
      ask(`${url}/metrics`, { authorization: `Bearer ${token}` });
    const { status, text } = await scrape(await tokenOf('prometheus'));
    assert.equal(status, 200, text);
    assert.match(text, /^workqueue_adds_total\{name="service"\} [1-9]/m);
    assert.match(text, /^process_cpu_seconds_total /m);
    assert.equal((await scrape(await tokenOf('nobody'))).status, 403);
    assert.equal((await scrape('invented')).status, 401);
    assert.equal((await ask(`${url}/metrics`)).status, 401);

    assert.equal(await controllers.stop(), 0);
    assert.doesNotMatch(controllers.output(), /forbidden|"level":"error"|\berror\b.*refused/i);
  },
);

function start(
  t: TestContext,
  args: readonly string[],
): { readonly output: () => string; readonly stop: () => Promise<number | null> } {
  const child = spawn('node', [launcher, ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
  const exited = new Promise<number | null>((done) => child.on('exit', done));
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return exited;
  };
  t.after(stop);
  return { output: () => text, stop };
}

/** The administrator's, with the token in place of the certificate. */
function kubeconfigWith({ folder, kubeconfig }: TestControlPlane, token: string): string {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as {
    readonly users: readonly [{ readonly name: string }];
  };
  const [{ name }] = config.users;
  const path = join(folder, 'account.kubeconfig');
  const users = [{ name, user: { token } }];
  writeFileSync(path, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return path;
}

/** By kubectl alone, which needs no server for it. */
async function render(): Promise<readonly Manifest[]> {
  return manifestsIn(await outputOf(kubectlBinary, ['kustomize', KUSTOMIZE]));
}

function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

/** A template with the chart's own values, in the namespace that Kustomize takes. Knows what templates of ours may hold. */
function filledIn(path: string): readonly Manifest[] {
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as object;
  const valueOf = (name: string): unknown =>
    name.split('.').reduce<unknown>((value, key) => {
      assert.ok(typeof value === 'object' && value !== null && key in value, `values have ${name}`);
      return (value as Readonly<Record<string, unknown>>)[key];
    }, values);
  const text = readFileSync(join(CHART, path), 'utf8')
    .replaceAll(
      /^ *\{\{- toYaml \.Values\.(\S+) \| nindent (\d+) \}\}$/gm,
      (_line, name: string, indent: string) =>
        stringify(valueOf(name))
          .trimEnd()
          .replaceAll(/^/gm, ' '.repeat(Number(indent))),
    )
    .replaceAll(/\{\{ \.Values\.(\S+) \}\}/g, (_text, name: string) => String(valueOf(name)))
    .replaceAll('{{ .Release.Namespace }}', 'windlass-system');
  assert.doesNotMatch(text, /\{\{/);
  return manifestsIn(text);
}

/** What a value of the chart leaves empty is not there in Kustomize; that the image is pulled only if it is not there is the default. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const optional = new Set(['annotations', 'imagePullSecrets', 'nodeSelector', 'tolerations']);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(optional.has(key) && Object.keys(inner as object).length === 0))
      .filter(([key, inner]) => key !== 'imagePullPolicy' || inner !== 'IfNotPresent')
      .map(([key, inner]) => [key, withoutEmpty(inner)]),
  );
}

function sorted(manifests: readonly unknown[]): readonly unknown[] {
  const keyOf = (manifest: unknown): string => {
    const { kind, metadata } = manifest as Manifest;
    return `${kind}/${metadata.name}`;
  };
  return manifests.toSorted((left, right) => keyOf(left).localeCompare(keyOf(right)));
}
