import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import { HetznerApi, TOKEN } from '#test/support/hetzner-api.ts';
import { scaledClock } from '#test/support/scaled-clock.ts';
import { throwFailures } from '../each-node.ts';
import { CredentialsRefused, InvalidRequest, NotOwned, ProviderUnavailable } from '../errors.ts';
import { LABELS, resourceLabels } from '../label-scheme.ts';
import { LabelledProvider } from '../labelled-provider.ts';
import type { NodeRequest } from '../provider.ts';
import { providerConformance } from '../provider-conformance.ts';
import { resourceName } from './cluster-resources.ts';
import { checkStock } from './create-server.ts';
import { HetznerClient } from './hetzner-client.ts';
import { AllLocationsFailed, HetznerError } from './hetzner-error.ts';
import { HetznerDriver } from './hetzner-driver.ts';
import { sameRules, subnetOf } from './hetzner-settings.ts';

const signal = AbortSignal.timeout(600_000);
const clock = scaledClock(1_000);
const api = await HetznerApi.start();
after(() => api.close());
const client = new HetznerClient({ endpoint: api.endpoint, token: TOKEN, clock });

function open(settings: Readonly<Record<string, string>> = {}, token = TOKEN): LabelledProvider {
  return new LabelledProvider({
    driver: new HetznerDriver({
      endpoint: api.endpoint,
      token,
      clock,
      settings: { image: 'debian-13', ...settings },
    }),
    clock,
    limits: { parallel: 4, nodeTimeoutMs: 60_000_000 },
    labelScheme: 'windlass',
    adoptedClusters: [],
  });
}

let number = 0;
let dev = { name: 'dev', uid: 'uid' };
const request = (index: number, change: Partial<NodeRequest> = {}): NodeRequest => ({
  name: `${dev.uid}-${index}`,
  machineUID: `machine-${dev.uid}-${index}`,
  pool: 'main',
  role: 'worker',
  ...change,
});

describe('HetznerDriver', () => {
  beforeEach(() => {
    number += 1;
    dev = { name: 'dev', uid: `h${number}` };
    for (const kind of Object.keys(api.things)) api.things[kind] = [];
    api.calls.length = 0;
    api.creates.length = 0;
    api.faults.length = 0;
    Object.assign(api, {
      pageSize: 50,
      pollsPerAction: 1,
      listsBehind: 0,
      stock: ['fsn1', 'nbg1', 'hel1'],
    });
  });

  function posted(): number {
    return api.calls.filter((call) => call === 'POST /servers').length;
  }

  providerConformance({
    test,
    name: 'hetzner',
    open: () => {
      // As it is on a bad day: pages of two, lists that lag, limits.
      Object.assign(api, { pageSize: 2, pollsPerAction: 3, listsBehind: 2 });
      api.faults.push({ on: 'GET /servers', code: 'rate_limit_exceeded', times: 2 });
      return Promise.resolve({
        provider: open(),
        reopen: () => Promise.resolve(open()),
        plant: (name, labels) =>
          Promise.resolve(
            void api.add('servers', name, {
              labels: { ...labels },
              status: 'running',
              private_net: [],
              firewalls: [],
            }),
          ),
        isThere: (name) => Promise.resolve(api.find('servers', name) !== undefined),
      });
    },
  });

  test('hetzner: a server is made with one call where the API grants it [ksail-031]', async () => {
    throwFailures('create', await open().createNodes(dev, [request(1)], signal));
    assert.equal(posted(), 1);
    const [node] = await open().listNodes(dev, signal);
    assert.deepEqual(
      [node?.state, node?.serverType, node?.addresses?.length],
      ['running', 'cx23', 2],
    );
  });

  test('hetzner: without locations nothing is asked for [ksail-032]', async () => {
    const [result] = await open({ locations: '' })
      .createNodes(dev, [request(1)], signal)
      .catch((error: unknown) => [{ error }]);
    assert.match(String(result?.error), /no location/);
    assert.equal(posted(), 0);
  });

  test('hetzner: a full placement group is dropped only where that is allowed [ksail-033]', async () => {
    const full = {
      on: 'POST /servers',
      code: 'placement_error',
      where: { placement_group: undefined },
    };
    api.faults.push({ ...full, times: 99 });
    throwFailures(
      'create',
      await open({ placementFallback: 'true' }).createNodes(dev, [request(1)], signal),
    );
    assert.deepEqual(
      api.creates.map((body) => body['placement_group']),
      [undefined],
    );
    assert.equal(posted(), 2);
    const [refused] = await open().createNodes(dev, [request(2)], signal);
    assert.ok(refused?.error instanceof AllLocationsFailed);
    assert.match(refused.error.message, /fsn1: .*placement_error.*nbg1: .*hel1: /);
  });

  test('hetzner: the next location is asked where one has none [ksail-035]', async () => {
    api.stock = ['nbg1'];
    throwFailures('create', await open().createNodes(dev, [request(1)], signal));
    assert.equal(api.find('servers', request(1).name)?.['location'], 'nbg1');
    // Three tries in the first.
    assert.equal(posted(), 4);
  });

  test('hetzner: a refusal for good is not repeated in place, but the next location is asked', async () => {
    api.faults.push({
      on: 'POST /servers',
      code: 'resource_limit_exceeded',
      where: { location: 'fsn1' },
      times: 99,
    });
    throwFailures('create', await open().createNodes(dev, [request(1)], signal));
    assert.equal(posted(), 2);
  });

  test('hetzner: when all locations fail, each says why [ksail-036]', async () => {
    api.faults.push({ on: 'POST /servers', code: 'resource_unavailable', times: 99 });
    const [result] = await open().createNodes(dev, [request(1)], signal);
    assert.ok(result?.error instanceof AllLocationsFailed);
    assert.equal(result.error.reason, 'AllLocationsFailed');
    assert.equal(result.error.causes.length, 3);
    assert.equal(posted(), 9);
  });

  test('hetzner: stock is asked for before anything is made [ksail-042]', async () => {
    const wanted = { serverType: 'cx23', locations: ['fsn1'] };
    const tries = (): number => api.calls.filter((call) => call === 'GET /datacenters').length;
    api.faults.push({ on: 'GET /datacenters', code: 'server_error', times: 2 });
    await checkStock(client, wanted, clock, signal);
    assert.equal(tries(), 3);
    api.stock = [];
    await assert.rejects(checkStock(client, wanted, clock, signal), {
      code: 'resource_unavailable',
    });
    assert.equal(tries(), 8);
    await assert.rejects(checkStock(client, wanted, clock, signal, 0), {
      code: 'resource_unavailable',
    });
    assert.equal(tries(), 9);
    await assert.rejects(checkStock(client, { ...wanted, serverType: 'none' }, clock, signal), {
      code: 'not_found',
    });
    const caller = new AbortController();
    const asked = checkStock(
      client,
      wanted,
      { ...clock, schedule: () => () => undefined },
      caller.signal,
    );
    caller.abort(new Error('enough'));
    await assert.rejects(asked, /enough/);
    await assert.rejects(open().createNodes(dev, [request(1)], signal), {
      code: 'resource_unavailable',
    });
    assert.equal(posted(), 0);
  });

  test('hetzner: from an ISO: made stopped, attached, powered on; also by whoever comes after a crash [ksail-030]', async () => {
    const settings = { iso: 'talos.iso' };
    const driver = new HetznerDriver({ endpoint: api.endpoint, token: TOKEN, clock, settings });
    const isoProvider = new LabelledProvider({
      driver,
      clock,
      limits: { parallel: 1, nodeTimeoutMs: 60_000_000 },
      labelScheme: 'windlass',
      adoptedClusters: [],
    });
    throwFailures('create', await isoProvider.createNodes(dev, [request(1)], signal));
    const server = api.find('servers', request(1).name);
    assert.deepEqual([server?.['status'], server?.['iso']], ['running', { name: 'talos.iso' }]);
    const order = api.calls
      .filter((call) => /POST \/servers/.test(call))
      .map((call) => call.replace(/\d+/, 'N'));
    assert.deepEqual(order, [
      'POST /servers',
      'POST /servers/N/actions/attach_iso',
      'POST /servers/N/actions/poweron',
    ]);
    assert.equal(api.creates[0]?.['start_after_create'], false);
    api.faults.push({ on: 'POST /servers/*', code: 'invalid_input', times: 1 });
    const [broken] = await isoProvider.createNodes(dev, [request(2)], signal);
    assert.equal(broken?.outcome, 'failed');
    const [again] = await isoProvider.createNodes(dev, [request(2)], signal);
    assert.equal(again?.outcome, 'done');
    assert.equal(api.find('servers', request(2).name)?.['status'], 'running');
    assert.equal(api.creates.length, 2);
    // One that was stopped on purpose is not booted again.
    await isoProvider.stopNodes(dev, signal);
    const [stopped] = await isoProvider.createNodes(dev, [request(2)], signal);
    assert.equal(stopped?.outcome, 'skipped');
  });

  test('hetzner: a network without its subnet is repaired, rules that drifted are set again [ksail-046]', async () => {
    assert.deepEqual(['10.0.0.0/16', '10.50.0.0/16', '192.168.7.0/24'].map(subnetOf), [
      '10.0.1.0/24',
      '10.50.0.0/24',
      '192.168.7.0/24',
    ]);
    assert.throws(() => subnetOf('10.0.0.0'), InvalidRequest);
    const labels = { ...resourceLabels(dev, 'network') };
    const network = api.add('networks', resourceName(dev), {
      labels,
      ip_range: '10.50.0.0/16',
      subnets: [],
    });
    const rules = [
      { direction: 'in', protocol: 'tcp', port: '6443', source_ips: ['0.0.0.0/0', '::/0'] },
    ];
    const provider = open({ networkCIDR: '10.50.0.0/16', firewallRules: JSON.stringify(rules) });
    throwFailures('create', await provider.createNodes(dev, [request(1)], signal));
    assert.equal(
      (network['subnets'] as readonly { ip_range: string }[])[0]?.ip_range,
      '10.50.0.0/24',
    );
    const firewall = api.find('firewalls', resourceName(dev));
    assert.ok(firewall);
    firewall['rules'] = [{ ...rules[0], source_ips: ['::/0', '0.0.0.0/0'] }];
    const repairs = async (): Promise<readonly string[]> => {
      const before = api.calls.length;
      throwFailures(
        'create',
        await provider.createNodes(dev, [request(number + api.calls.length)], signal),
      );
      return api.calls.slice(before).filter((call) => /set_rules|add_subnet/.test(call));
    };
    assert.deepEqual(await repairs(), []);
    firewall['rules'] = [];
    assert.equal((await repairs()).length, 1);
    assert.ok(sameRules(firewall['rules'] as never, rules));
  });

  test('hetzner: a network, firewall or group of the same name that is not ours is neither used nor deleted [ksail-081]', async () => {
    for (const kind of ['networks', 'firewalls', 'placement_groups']) {
      dev = { name: 'dev', uid: `${dev.uid}x` };
      api.add(kind, resourceName(dev), {
        labels: { [LABELS.cluster]: 'dev' },
        subnets: [],
        rules: [],
      });
      const provider = open({ firewallRules: '[{"direction":"in","protocol":"icmp"}]' });
      await assert.rejects(provider.createNodes(dev, [request(1)], signal), NotOwned, kind);
      throwFailures('delete', await provider.deleteNodes(dev, signal));
      assert.ok(api.find(kind, resourceName(dev)), kind);
    }
    assert.equal(posted(), 0);
  });

  test('hetzner: a delete takes servers first, then all that is ours, and leaks nothing [ksail-087] [ksail-050]', async () => {
    const provider = open({
      floatingIP: 'true',
      firewallRules: '[{"direction":"in","protocol":"icmp"}]',
    });
    const nodes = [request(1, { role: 'controller' }), request(2)];
    throwFailures('create', await provider.createNodes(dev, nodes, signal));
    const [network] = api.things['networks'] ?? [];
    api.add('load_balancers', 'ours', {
      labels: { ...resourceLabels(dev, 'loadBalancer') },
      network: network?.id,
    });
    for (const name of ['snapshot-1', 'snapshot-2'])
      api.add('images', name, { labels: { ...resourceLabels(dev, 'image') } });
    for (const kind of Object.keys(api.things))
      api.add(kind, 'foreign', { firewalls: [], private_net: [], status: 'running' });
    api.faults.push({ on: 'DELETE /load_balancers/*', code: 'forbidden', times: 1 });
    const first = await provider.deleteNodes(dev, signal);
    const failed = first.filter(({ outcome }) => outcome === 'failed').map(({ kind }) => kind);
    assert.deepEqual(failed, ['loadBalancer', 'network']);
    const kinds = first.map(({ kind }) => kind);
    assert.deepEqual(kinds, [
      'node',
      'node',
      'placementGroup',
      'firewall',
      'floatingIP',
      'loadBalancer',
      'image',
      'image',
      'network',
    ]);
    const second = await provider.deleteNodes(dev, signal);
    assert.deepEqual(
      second.map(({ kind, outcome }) => `${kind} ${outcome}`),
      ['loadBalancer done', 'network done'],
    );
    for (const [kind, left] of Object.entries(api.things))
      assert.deepEqual(
        left.map(({ name }) => name),
        ['foreign'],
        kind,
      );
    assert.deepEqual(await provider.deleteNodes(dev, signal), []);
  });

  test('hetzner: an answer that was lost is found again, not made twice [ksail-082]', async () => {
    api.listsBehind = 3;
    api.faults.push({ on: 'POST /servers', code: 'lost', times: 1 });
    const [lost] = await open().createNodes(dev, [request(1)], signal);
    assert.ok(lost?.error instanceof ProviderUnavailable);
    const [again] = await open().createNodes(dev, [request(1)], signal);
    assert.ok(again?.outcome === 'skipped' || again?.outcome === 'done', String(again?.error));
    assert.equal(api.things['servers']?.length, 1);
  });

  test('hetzner: a server that does not hear is powered off after its grace; a locked one is asked again [ksail-074]', async () => {
    const provider = open({ shutdownGraceSeconds: '5' });
    throwFailures('create', await provider.createNodes(dev, [request(1), request(2)], signal));
    api.deaf.add(request(2).name);
    api.faults.push({ on: 'POST /servers/*', code: 'locked', times: 2 });
    throwFailures('stop', await provider.stopNodes(dev, signal));
    assert.equal((await provider.getClusterStatus(dev, signal))?.phase, 'stopped');
    assert.equal(api.calls.filter((call) => call.endsWith('/poweroff')).length, 1);
    throwFailures('start', await provider.startNodes(dev, signal));
    const before = api.calls.length;
    const again = await provider.startNodes(dev, signal);
    assert.deepEqual(
      again.map(({ outcome }) => outcome),
      ['skipped', 'skipped'],
    );
    assert.ok(!api.calls.slice(before).some((call) => call.startsWith('POST')));
  });

  test('hetzner: a wrong token is refused credentials, and no message ever has the token', async () => {
    await open().checkCredentials(signal);
    await assert.rejects(open({}, 'wrong-token').checkCredentials(signal), (error: unknown) => {
      assert.ok(error instanceof CredentialsRefused);
      assert.ok(!error.message.includes('wrong-token'));
      return true;
    });
    // The server writes it into its message, as a proxy might.
    api.faults.push({ on: 'GET /servers', code: 'forbidden', times: 1 });
    await assert.rejects(open().listAllNodes(signal), (error: unknown) => {
      assert.ok(error instanceof HetznerError);
      assert.ok(!`${error.message} ${error.stack}`.includes(TOKEN));
      return true;
    });
    const nobody = new HetznerClient({ endpoint: 'http://127.0.0.1:9/v1', token: TOKEN, clock });
    await assert.rejects(nobody.askOnce('GET', '/servers', signal), ProviderUnavailable);
  });
});
