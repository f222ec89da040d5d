import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { systemClock } from '#platform/clock.ts';
import type { Clock } from '#platform/clock.ts';

import { CertificateStore } from './certificate-store.ts';
import { CertificateFileError } from './pair-files.ts';
import type { CertificateRequest } from './issuer.ts';

const DAY_MS = 86_400_000;
const server: CertificateRequest = {
  usage: 'server',
  commonName: 'windlass',
  dnsNames: ['localhost', 'kubernetes.default'],
  ipAddresses: ['127.0.0.1', '::1'],
};
const admin: CertificateRequest = {
  usage: 'client',
  commonName: 'admin',
  organizations: ['system:masters', 'operators'],
};

let folder: string;
before(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'windlass-pki-')), 'pki');
});
after(() => rm(path.dirname(folder), { recursive: true, force: true }));

function clockAhead(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms };
}

test('CertificateStore makes an authority, a server and a client certificate, all private', async () => {
  const store = await CertificateStore.open(folder, systemClock);
  const issued = new X509Certificate((await store.ensure('server', server)).certificate);
  const client = new X509Certificate((await store.ensure('admin', admin)).certificate);
  const authority = new X509Certificate(store.authority.trusted);

  assert.ok(authority.ca);
  assert.ok(issued.verify(authority.publicKey));
  assert.equal(issued.checkHost('kubernetes.default'), 'kubernetes.default');
  assert.equal(issued.checkIP('::1'), '::1');
  assert.equal(client.subject, 'O=system:masters\nO=operators\nCN=admin');
  assert.deepEqual(client.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  for (const file of await readdir(folder)) {
    assert.equal((await stat(path.join(folder, file))).mode & 0o777, 0o600, file);
  }
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});

test('CertificateStore makes node certificates that serve too, in the place of those that do not', async () => {
  const store = await CertificateStore.open(folder, systemClock);
  const who = { commonName: 'system:node:n1', organizations: ['system:nodes'] };
  const old = await store.ensure('node', { usage: 'client', ...who });
  const issued = await store.ensure('node', { usage: 'node', ...who });
  assert.notEqual(issued.certificate, old.certificate);
  const { keyUsage, subject } = new X509Certificate(issued.certificate);
  assert.deepEqual(keyUsage, ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
  assert.equal(subject, 'O=system:nodes\nCN=system:node:n1');
  assert.deepEqual(await store.ensure('node', { usage: 'node', ...who }), issued);
});

test('CertificateStore uses what is there, and issues anew for other names or near the end', async () => {
  const store = await CertificateStore.open(folder, systemClock);
  const first = await store.ensure('server', server);
  assert.deepEqual(await store.ensure('server', server), first);

  const later = await CertificateStore.open(folder, clockAhead(340 * DAY_MS));
  const renewed = await later.ensure('server', server);
  assert.notEqual(renewed.certificate, first.certificate);

  const wider = await later.ensure('server', { ...server, ipAddresses: ['127.0.0.1', '10.0.0.1'] });
  assert.notEqual(wider.certificate, renewed.certificate);
  const other = await later.ensure('admin', { ...admin, commonName: 'other' });
  assert.match(new X509Certificate(other.certificate).subject, /CN=other$/);
});

test('CertificateStore replaces a torn leaf certificate', async () => {
  const store = await CertificateStore.open(folder, systemClock);
  await writeFile(path.join(folder, 'server.crt'), '-----BEGIN CERT');
  const pair = await store.ensure('server', server);
  assert.ok(
    new X509Certificate(pair.certificate).verify(
      new X509Certificate(store.authority.trusted).publicKey,
    ),
  );
});

test('CertificateStore refuses an authority that is damaged, foreign to its key or expired', async () => {
  await assert.rejects(
    CertificateStore.open(folder, clockAhead(3651 * DAY_MS)),
    CertificateFileError,
  );

  const file = path.join(folder, 'ca.key');
  const key = await readFile(file, 'utf8');
  const foreign = await readFile(path.join(folder, 'server.key'), 'utf8');
  await writeFile(file, foreign);
  await assert.rejects(CertificateStore.open(folder, systemClock), /ca\.key.*not the key/s);
  await rm(file);
  await assert.rejects(CertificateStore.open(folder, systemClock), CertificateFileError);
  await writeFile(file, key, { mode: 0o600 });
  await CertificateStore.open(folder, systemClock);
});
