import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ServiceSpec } from '#controllers/service/types.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { withoutMonitoring } from '../deploy/skip-health.ts';
import type { FileValues } from '../file-options.ts';
import { keyOf, PROJECT_LABEL, readProject } from './read-project.ts';
import type { Project } from './read-project.ts';

const folder = join(tempDir(), 'My Shop');
mkdirSync(folder);
const at = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const compose = at(
  'compose.yaml',
  'services: {web: {image: "nginx:${TAG}", depends_on: [db]}, db: {image: postgres}, other: {image: x}}',
);
at('.env', 'TAG=1.27\nCONTEXT=from .env\n');
const service = (name: string, dependsOn = '[]'): string =>
  `---\napiVersion: windlass.dev/v1alpha1\nkind: Service\nmetadata: {name: ${name}, labels: {own: label}}\nspec: {dependsOn: ${dependsOn}}\n`;
const settings =
  '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default}\n';
const plain = at('plain.yml', `${service('a', '[b]')}${service('b')}${service('c')}${settings}`);

interface Asked {
  readonly file: readonly string[];
  readonly services?: readonly string[];
  readonly values?: Partial<FileValues>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
}

function read({
  file,
  services = [],
  values,
  environment = {},
  input = '',
}: Asked): Promise<Project> {
  const all: FileValues = {
    file,
    namespace: undefined,
    project: undefined,
    profile: [],
    'env-file': undefined,
    'cluster-domain': undefined,
    ...values,
  };
  return readProject(all, services, {
    environment,
    out: () => undefined,
    err: () => undefined,
    columns: undefined,
    errIsTerminal: false,
    ask: undefined,
    readInput: () => Promise.resolve(input),
    stopSignal: () => new AbortController().signal,
  });
}

const names = ({ manifests }: Project): readonly string[] =>
  manifests.map(({ object }) => object.metadata.name);
const image = ({ manifests }: Project): string | undefined => {
  const web = manifests.find(({ object }) => object.metadata.name === 'web');
  return (web?.object['spec'] as ServiceSpec | undefined)?.template.spec.containers[0]?.image;
};

test('a Compose file is known by its content, and its project by its folder', async () => {
  const project = await read({ file: [compose] });
  assert.equal(project.name, 'my-shop');
  assert.deepEqual(names(project), ['db', 'web', 'other']);
  assert.equal(image(project), 'nginx:1.27');
  for (const { object } of project.manifests)
    assert.deepEqual(object.metadata.labels, { [PROJECT_LABEL]: 'my-shop' });
  assert.ok(project.declared.has(keyOf('windlass.dev', 'Service', 'default', 'other')));
});

test('the project is the one asked for, else that of the environment', async () => {
  const environment = { COMPOSE_PROJECT_NAME: 'Env_Name', TAG: '2' };
  const project = await read({ file: [compose], environment });
  assert.deepEqual([project.name, image(project)], ['env-name', 'nginx:2']);
  const asked = await read({ file: [compose], values: { project: 'mine' }, environment });
  assert.equal(asked.name, 'mine');
  await assert.rejects(read({ file: [compose], values: { project: 'My' } }), /--project "My" must/);
});

test('variables come from another file if asked, and it must be there', async () => {
  const other = at('prod.env', 'TAG=prod');
  const project = await read({ file: [compose], values: { 'env-file': other } });
  assert.equal(image(project), 'nginx:prod');
  const gone = { 'env-file': join(folder, 'gone.env') };
  await assert.rejects(read({ file: [compose], values: gone }), /gone\.env cannot be read/);
  const wrong = { 'env-file': at('wrong.env', 'A=geheim\nB="geheim') };
  await assert.rejects(read({ file: [compose], values: wrong }), (error: Error) => {
    assert.match(error.message, /wrong\.env: line 2: B: a " is not closed/);
    assert.doesNotMatch(error.message, /geheim/);
    return true;
  });
});

test('manifests: services come last, each after what it needs; labelled only with --project', async () => {
  const project = await read({ file: [plain] });
  assert.equal(project.name, undefined);
  assert.deepEqual(names(project), ['settings', 'b', 'a', 'c']);
  assert.deepEqual(project.manifests[1]?.object.metadata.labels, { own: 'label' });
  const labelled = await read({ file: [plain], values: { project: 'p' } });
  const labels = { own: 'label', [PROJECT_LABEL]: 'p' };
  assert.deepEqual(labelled.manifests[1]?.object.metadata.labels, labels);
});

test('a selection takes along what it needs, from both kinds of files', async () => {
  const from = (...services: string[]): Promise<readonly string[]> =>
    read({ file: [plain, compose], services }).then(names);
  assert.deepEqual(await from('a'), ['settings', 'b', 'a']);
  assert.deepEqual(await from('a', 'web'), ['settings', 'b', 'a', 'db', 'web']);
  await assert.rejects(from('gone'), /there is no service "gone": it has web, db, other/);
  await assert.rejects(
    read({ file: [plain], services: ['gone'] }),
    /no service "gone" in .*: it has a, b, c/,
  );
});

test('what is not selected is declared all the same', async () => {
  const { declared } = await read({ file: [plain, compose], services: ['a'] });
  assert.deepEqual(
    [...declared].toSorted(),
    [
      '/ConfigMap/default/settings',
      ...['a', 'b', 'c', 'db', 'other', 'web'].map(
        (name) => `windlass.dev/Service/default/${name}`,
      ),
    ].toSorted(),
  );
});

test('standard input may be a Compose file too', async () => {
  const input = 'name: piped\nservices: {web: {image: nginx}}';
  const project = await read({ file: ['-'], input });
  assert.deepEqual([project.name, image(project)], ['piped', 'nginx']);
});

const WRONG: readonly (readonly [asked: Asked, why: RegExp])[] = [
  [{ file: [] }, /--file is missing: name a manifest or a Compose file/],
  [{ file: [join(folder, 'gone')] }, /gone: cannot be read/],
  [{ file: ['-'] }, /-: there is no object in it/],
  [{ file: [compose, at('b.yaml', 'services: {}')] }, /several Compose files are not merged/],
  [{ file: [plain, at('c.yaml', service('b'))] }, /Service b is in .*plain\.yml, line \d+ already/],
  [{ file: [plain], values: { namespace: 'x' } }, /settings is of namespace default, and/],
  [
    { file: [at('d.yaml', service('a', '[b]') + service('b', '[a]'))] },
    /d\.yaml, document \d, line \d+: services wait for each other: a → b → a/,
  ],
  [{ file: [at('e.yaml', 'services: {a: {image: x, imag: y}}')] }, /line 1: services\.a\.imag: un/],
];

for (const [asked, why] of WRONG) {
  test(`readProject() refuses: ${why.source}`, async () => {
    await assert.rejects(read(asked), why);
  });
}

test('withoutMonitoring() changes services only, and keeps the rest of their strategy', async () => {
  const project = withoutMonitoring(await read({ file: [plain] }));
  assert.equal(project.manifests[0]?.object['spec'], undefined);
  assert.deepEqual(project.manifests[1]?.object['spec'], {
    dependsOn: [],
    updateStrategy: { monitorPeriod: '0s' },
  });
});
