import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cniURL,
  containerdURL,
  crictlURL,
  crictlVersion,
  kubernetesBinaryURL,
  normalizeVersion,
  runcURL,
} from './download-urls.ts';

const MIRROR = { baseURL: 'http://mirror.test/k8s/' };

test('an explicit crictl version wins, a mirror without one changes nothing [unbounded-002]', () => {
  assert.equal(crictlVersion('1.33.5'), '1.33.0');
  assert.equal(crictlVersion('1.33.5', MIRROR), '1.33.0');
  assert.equal(crictlVersion('1.33.5', { version: '1.34.1' }), '1.34.1');
  for (const version of ['v1.32.2', '1.32.0-rc.1', '1.32', '1.32.7+k3s1'])
    assert.equal(crictlVersion(version), '1.32.0', version);
  for (const version of ['abc', '', '1', 'v1.x'])
    assert.throws(() => crictlVersion(version), /no version of Kubernetes/, version);
  assert.equal(
    crictlURL('1.33.0', 'amd64'),
    'https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.33.0/crictl-v1.33.0-linux-amd64.tar.gz',
  );
});

test('Kubernetes binaries: the layout of the publisher, of a mirror, and of a template [unbounded-005]', () => {
  const urlOf = (source = {}): string => kubernetesBinaryURL('kubelet', '1.33.5', 'amd64', source);
  assert.equal(urlOf(), 'https://dl.k8s.io/v1.33.5/bin/linux/amd64/kubelet');
  assert.equal(urlOf(MIRROR), 'http://mirror.test/k8s/v1.33.5/bin/linux/amd64/kubelet');
  assert.equal(
    urlOf({ url: 'http://x.test/%b-%v-%p?a=100%%' }),
    'http://x.test/kubelet-1.33.5-amd64?a=100%',
  );
});

test('containerd: publisher, mirror, template [unbounded-007]', () => {
  const tail = 'v2.0.4/containerd-2.0.4-linux-amd64.tar.gz';
  assert.equal(
    containerdURL('2.0.4', 'amd64'),
    `https://github.com/containerd/containerd/releases/download/${tail}`,
  );
  assert.equal(containerdURL('2.0.4', 'amd64', MIRROR), `http://mirror.test/k8s/${tail}`);
  assert.equal(
    containerdURL('2.0.4', 'arm64', { url: 'http://x.test/%v/%p' }),
    'http://x.test/2.0.4/arm64',
  );
});

test('runc: publisher, mirror, template [unbounded-008]', () => {
  assert.equal(
    runcURL('1.1.12', 'amd64'),
    'https://github.com/opencontainers/runc/releases/download/v1.1.12/runc.amd64',
  );
  assert.equal(runcURL('1.1.12', 'amd64', MIRROR), 'http://mirror.test/k8s/v1.1.12/runc.amd64');
  assert.equal(
    runcURL('1.1.12', 'arm64', { url: 'http://x.test/%v/%p' }),
    'http://x.test/1.1.12/arm64',
  );
});

test('CNI plugins: publisher, mirror, template [unbounded-009]', () => {
  const tail = 'v1.5.1/cni-plugins-linux-amd64-v1.5.1.tgz';
  assert.equal(
    cniURL('1.5.1', 'amd64'),
    `https://github.com/containernetworking/plugins/releases/download/${tail}`,
  );
  assert.equal(cniURL('1.5.1', 'amd64', MIRROR), `http://mirror.test/k8s/${tail}`);
  assert.equal(
    cniURL('1.5.1', 'arm64', { url: 'http://x.test/%v/%p' }),
    'http://x.test/1.5.1/arm64',
  );
});

test('versions with and without v are the same [unbounded-040]', () => {
  assert.equal(normalizeVersion('v1.33'), normalizeVersion('1.33'));
  assert.equal(normalizeVersion(' v1.33.5+k0s.0 '), '1.33.5+k0s.0');
});
