import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { closingScreen } from './up-screen.ts';

const server = {
  url: 'https://127.0.0.1:6443',
  adminKubeconfig: '/home/you/windlass/.windlass/admin.kubeconfig',
};
const manifests = [join(process.cwd(), 'deploy', 'examples', 'hello')];
const hello = {
  namespace: 'default',
  name: 'hello',
  addresses: ['http://127.0.0.1:8080'],
  troubles: [],
};

test('closingScreen() is what the record in the README shows', () => {
  const readme = readFileSync(resolve(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  const record = /<!-- record:start -->\n([^]*?)<!-- record:end -->/.exec(readme)?.[1] ?? '';
  const screen = closingScreen({ server, services: [hello], manifests });
  const indented = screen.trim().replaceAll(/^(?=.)/gm, '    ');
  assert.ok(record.includes(indented), `the README lacks:\n${indented}\nit has:\n${record}`);
});

test('closingScreen() sends nobody to a port that does not answer, and says why', () => {
  const trouble = 'port 8081 of 127.0.0.1 is in use by another program';
  const services = [
    { ...hello, troubles: [trouble] },
    { ...hello, name: 'down', addresses: [] },
  ];
  const screen = closingScreen({ server, services, manifests });
  assert.match(
    screen,
    /^hello answers at +http:\/\/127\.0\.0\.1:8080\nhello does not answer: port 8081/m,
  );
  assert.doesNotMatch(screen, /down answers/);
});

test('closingScreen() quotes paths for the shell and names a namespace that is not the default one', () => {
  const screen = closingScreen({
    server: { ...server, adminKubeconfig: "/home/you/it's here/admin.kubeconfig" },
    services: [{ ...hello, namespace: 'shop' }],
    manifests,
  });
  assert.ok(
    screen.includes(`export KUBECONFIG='/home/you/it'\\''s here/admin.kubeconfig'\n`),
    screen,
  );
  assert.match(screen, /--replicas=5 -n shop\n {2}npx windlass history hello --namespace shop\n/);
});
