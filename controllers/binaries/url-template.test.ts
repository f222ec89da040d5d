// URLs with holes, GitHub's layout, mirrors; checksum files; digests.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHECKSUM_FILE_LIMIT_BYTES, parseChecksumFile } from './checksum-file.ts';
import { parseDigest } from './digest.ts';
import { redactText, redactURL } from './redact-url.ts';
import { expandTemplate, gitHubURL, mirrorURL } from './url-template.ts';

const VALUES = { version: 'v1.0.0+k0s.0', architecture: 'amd64', os: 'linux' };
const HEX = 'a1'.repeat(32);

test('tokens of a URL are replaced, other percent signs stay [k0sctl-041]', () => {
  assert.equal(
    expandTemplate('test%20expand/k0s-%v-%p%x', VALUES),
    'test%20expand/k0s-v1.0.0%2Bk0s.0-amd64',
  );
  assert.equal(expandTemplate('%x%%v', { ...VALUES, os: 'windows' }), '.exe%v');
});

test('GitHub releases have their layout, and mirrors keep it', () => {
  const release = { owner: 'k0sproject', repository: 'k0s', asset: 'k0s-%v-%p%x' };
  const url = gitHubURL(release, VALUES);
  assert.equal(
    url,
    'https://github.com/k0sproject/k0s/releases/download/v1.0.0%2Bk0s.0/k0s-v1.0.0%2Bk0s.0-amd64',
  );
  assert.equal(
    mirrorURL('https://mirror.internal/github/', url),
    'https://mirror.internal/github/k0sproject/k0s/releases/download/v1.0.0%2Bk0s.0/k0s-v1.0.0%2Bk0s.0-amd64',
  );
  assert.equal(
    gitHubURL({ ...release, tag: 'release-%v' }, VALUES, 'http://127.0.0.1:1/'),
    'http://127.0.0.1:1/k0sproject/k0s/releases/download/release-v1.0.0%2Bk0s.0/k0s-v1.0.0%2Bk0s.0-amd64',
  );
});

test('checksum files are a digest alone, or lines with names', () => {
  const other = 'b2'.repeat(32);
  assert.equal(parseChecksumFile(`${HEX}\n`, 'tool', 'it'), HEX);
  assert.equal(parseChecksumFile(`${HEX.toUpperCase()} *dist/tool`, 'tool', 'it'), HEX);
  assert.equal(parseChecksumFile(`${HEX}  any-name\n`, 'tool', 'it'), HEX);
  assert.equal(parseChecksumFile(`${other}  other\n${HEX}  ./tool\n`, 'tool', 'it'), HEX);
  for (const text of ['', '\n', 'abc', `${HEX}0`, `${HEX} a b`, '<html></html>'])
    assert.throws(() => parseChecksumFile(text, 'tool', 'it'), /it is no checksum file/, text);
  assert.throws(
    () => parseChecksumFile(`${other}  a\n${HEX}  b\n`, 'tool', 'it'),
    /digests of 2 files, and none of tool/,
  );
  assert.equal(CHECKSUM_FILE_LIMIT_BYTES, 1024);
});

test('digests are read in the forms people write them', () => {
  assert.equal(parseDigest(`sha256:${HEX}`), HEX);
  assert.equal(parseDigest(` ${HEX.toUpperCase()} `), HEX);
  for (const text of ['', 'sha512:00', HEX.slice(1), `${HEX}0`, '../etc/passwd'])
    assert.equal(parseDigest(text), undefined, text);
});

test('what is shown of a URL has no credentials', () => {
  const url = 'https://user:secret@host:8443/a/b?token=secret#secret';
  assert.equal(redactURL(url), 'https://host:8443/a/b?…');
  assert.equal(redactURL('::'), 'a URL that cannot be read');
  assert.doesNotMatch(redactText(`failed\nvia (${url}) badly`), /secret|\n/);
});
