import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFile, cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { systemClock } from '#platform/clock.ts';

import { Authority, seedAuthority } from './authority.ts';
import { issueAuthority } from './issuer.ts';
import { CertificateFileError } from './pair-files.ts';
import { validFor } from './validity.ts';

const DAY_MS = 86_400_000;
let root: string;
before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'windlass-authority-'));
});
after(() => rm(root, { recursive: true, force: true }));

function split(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map(
    (one) => new X509Certificate(one),
  );
}

test('Authority.rotate changes the key; the chain leads from the new certificate to the former one', async () => {
  const folder = path.join(root, 'rotated');
  const authority = await Authority.open(folder, systemClock);
  const former = new X509Certificate(authority.trusted);
  assert.equal(authority.chain, '');
  await authority.rotate();
  await authority.rotate();

  const [own, second, first] = split(authority.trusted);
  assert.ok(own && second && first);
  assert.ok(first.publicKey.equals(former.publicKey));
  assert.ok(own.verify(own.publicKey) && !own.publicKey.equals(second.publicKey));
  const [toSecond, toFirst] = split(authority.chain);
  assert.ok(toSecond && toFirst);
  assert.ok(toSecond.publicKey.equals(own.publicKey) && toSecond.verify(second.publicKey));
  assert.ok(toFirst.publicKey.equals(second.publicKey) && toFirst.verify(first.publicKey));
  assert.ok(toSecond.ca && toFirst.ca);
  assert.equal(toFirst.validTo, first.validTo);

  const again = await Authority.open(folder, systemClock);
  assert.equal(again.trusted, authority.trusted);
  assert.equal(again.chain, authority.chain);
  assert.equal(again.earlier, 2);
  assert.equal(await readFile(again.file, 'utf8'), authority.trusted);
});

test('Authority.forgetEarlier leaves the one that signs', async () => {
  const folder = path.join(root, 'forgotten');
  const authority = await Authority.open(folder, systemClock);
  await authority.rotate();
  await authority.forgetEarlier();
  assert.equal(split(authority.trusted).length, 1);
  assert.equal(authority.chain, '');
  assert.deepEqual((await readdir(folder)).toSorted(), ['ca.crt', 'ca.key']);
  assert.equal((await Authority.open(folder, systemClock)).trusted, authority.trusted);
});

test('Authority.open does not believe former ones beyond their end', async () => {
  const folder = path.join(root, 'ended');
  const old = { ...systemClock, now: () => systemClock.now() - 3640 * DAY_MS };
  await Authority.open(folder, old);
  const authority = await Authority.open(folder, systemClock);
  await authority.rotate();
  assert.equal(authority.earlier, 1);
  const later = { ...systemClock, now: () => systemClock.now() + 20 * DAY_MS };
  const again = await Authority.open(folder, later);
  assert.equal(again.earlier, 0);
  assert.equal(again.chain, '');
});

// Every state of the folder that a rotation passes through, by its files: those of before, and of the four steps.
const STEPS: readonly (readonly [string, readonly string[], boolean])[] = [
  ['the chain is written', ['ca-chain.crt'], false],
  ['the next key is written', ['ca-chain.crt', 'ca-next.key'], false],
  ['both next files are written', ['ca-chain.crt', 'ca-next.key', 'ca-next.crt'], true],
  ['the key is moved', ['ca-chain.crt', 'ca.key', 'ca-next.crt'], true],
];
for (const [when, files, isDone] of STEPS) {
  test(`a rotation that was cut short when ${when} is ${isDone ? 'finished' : 'undone'} by a start`, async () => {
    const base = path.join(root, when.replaceAll(' ', '-'));
    const folder = path.join(base, 'cut');
    const whole = path.join(base, 'whole');
    const before = await Authority.open(folder, systemClock);
    await cp(folder, whole, { recursive: true });
    await (await Authority.open(whole, systemClock)).rotate();
    for (const file of files)
      await copyFile(path.join(whole, file.replace('ca-next', 'ca')), path.join(folder, file));

    const opened = await Authority.open(folder, systemClock);
    const expected = isDone ? await readFile(path.join(whole, 'ca.crt'), 'utf8') : before.trusted;
    assert.equal(opened.trusted, expected);
    assert.equal(opened.earlier, isDone ? 1 : 0);
    assert.equal(opened.chain === '', !isDone);
    assert.deepEqual(
      (await readdir(folder)).filter((file) => file.startsWith('ca-next')),
      [],
    );
    // And it goes on from there.
    await opened.rotate();
    assert.equal((await Authority.open(folder, systemClock)).trusted, opened.trusted);
  });
}

test('Authority refuses what it cannot use, by name, and leaves it as it is', async () => {
  const folder = path.join(root, 'broken');
  const authority = await Authority.open(folder, systemClock);
  await authority.rotate();
  const good = await readFile(authority.file, 'utf8');
  const torn = good.replace('BEGIN CERTIFICATE-----\nMI', 'BEGIN CERTIFICATE-----\nXX');
  for (const content of [torn, 'nothing', '']) {
    await writeFile(authority.file, content);
    await assert.rejects(Authority.open(folder, systemClock), CertificateFileError);
    assert.equal(await readFile(authority.file, 'utf8'), content);
  }
  await writeFile(authority.file, good);
  await rename(path.join(folder, 'ca.key'), path.join(folder, 'ca.key.away'));
  await assert.rejects(Authority.open(folder, systemClock), /only one of ca.crt and ca.key/);
});

test('an authority that is given begins an empty folder, and changes none that has one', async () => {
  const given = await issueAuthority('given', validFor(systemClock, DAY_MS));
  const other = await issueAuthority('other', validFor(systemClock, DAY_MS));
  const folder = path.join(root, 'seeded');
  await seedAuthority(folder, given);
  assert.equal((await Authority.open(folder, systemClock)).trusted, given.certificate);
  await seedAuthority(folder, other);
  const authority = await Authority.open(folder, systemClock);
  assert.equal(authority.trusted, given.certificate);
  // A change of it stays too.
  await authority.rotate();
  await seedAuthority(folder, given);
  assert.equal((await Authority.open(folder, systemClock)).trusted, authority.trusted);

  // Killed between the two files: the same again goes on, another one is refused.
  const torn = path.join(root, 'torn-seed');
  await seedAuthority(torn, given);
  await rm(path.join(torn, 'ca.crt'));
  await assert.rejects(seedAuthority(torn, other), CertificateFileError);
  await seedAuthority(torn, given);
  assert.equal((await Authority.open(torn, systemClock)).trusted, given.certificate);
  const mixed = { certificate: given.certificate, privateKey: other.privateKey };
  await assert.rejects(seedAuthority(path.join(root, 'mixed'), mixed), /do not belong together/);
});
