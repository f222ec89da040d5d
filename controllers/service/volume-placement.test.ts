import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClaimFacts } from './claims.ts';
import type { ServiceVolume } from './types.ts';
import { placeVolumes } from './volume-placement.ts';
import type { VolumeDemand, VolumePlacement } from './volume-placement.ts';

function claim(claimName: string, node?: string, more: Partial<ClaimFacts> = {}): ClaimFacts {
  const where = node === undefined ? ('nowhere' as const) : { node };
  return { name: claimName, claimName, where, driver: undefined, ...more };
}

function demand(
  service: string,
  names: readonly string[],
  eligible: readonly string[] = ['m1', 'm2', 'm3'],
  more: Partial<VolumeDemand> = {},
): VolumeDemand {
  const volumes = names.map((name): ServiceVolume => ({ name }));
  return { service, mode: 'Replicated', eligible, volumes, ...more };
}

const creates = (placed: VolumePlacement): readonly string[] =>
  placed.creates.map(({ claimName, node }) => `${claimName} ${node}`);
const allowed = (placed: VolumePlacement, service: string): readonly string[] => [
  ...(placed.allowed.get(service) ?? []),
];

test('a missing volume is made on the first node by name, and its service goes there', () => {
  const placed = placeVolumes([demand('a', ['v'])], []);
  assert.deepEqual(creates(placed), ['v m1']);
  assert.deepEqual(allowed(placed, 'a'), ['m1']);
});

test('services that share volumes come together, along a chain of them', () => {
  const placed = placeVolumes(
    [demand('a', ['v']), demand('b', ['v', 'w']), demand('c', ['w'], ['m3'])],
    [],
  );
  assert.deepEqual(creates(placed), ['v m3', 'w m3']);
  for (const service of ['a', 'b', 'c']) assert.deepEqual(allowed(placed, service), ['m3']);
});

test('where a volume is decides, on any of the nodes that have all of them', () => {
  const kept = [claim('v', 'm2'), claim('w', 'm2'), claim('w', 'm3', { name: 'w-m3' })];
  assert.deepEqual(allowed(placeVolumes([demand('a', ['v', 'w'])], kept), 'a'), ['m2']);
  const away = placeVolumes([demand('a', ['v', 'w'], ['m1', 'm3'])], kept);
  assert.deepEqual(creates(away), []);
  assert.match(
    away.problems.get('a') ?? '',
    /^unable to find a machine that satisfies service 'a' placement constraints and has all required volumes: 'v', 'w' \(v is on m2/,
  );
});

const fromTemplate = { fromTemplate: true } as const;
function ofTemplate(
  service: string,
  names: readonly string[],
  nodes?: readonly string[],
): VolumeDemand {
  const volumes = names.map((name): ServiceVolume => ({ name, external: true }));
  return demand(service, [], nodes, { volumes, ...fromTemplate });
}

test('a claim of a template must be there, decides where its service runs, and is known by its own name', () => {
  const missing = placeVolumes([ofTemplate('a', ['v', 'w'])], [claim('w', 'm1')]);
  assert.equal(missing.problems.get('a'), "claims of the template not found: 'v'");
  const kept = [claim('v', 'm2', { name: 'v-m2' }), claim('v', 'm3', { name: 'v-m3' })];
  assert.deepEqual(allowed(placeVolumes([ofTemplate('a', ['v-m3'])], kept), 'a'), ['m3']);
  const other = placeVolumes([ofTemplate('a', ['v'])], kept);
  assert.equal(other.problems.get('a'), "claims of the template not found: 'v'");
  const away = placeVolumes([ofTemplate('a', ['v-m3'], ['m1', 'm2'])], kept);
  assert.match(away.problems.get('a') ?? '', /has all required volumes: 'v-m3' \(v is on m3\)$/);
});

test('services that name one claim without a node come together, in spec.volumes or in the template', () => {
  const demands = [
    ofTemplate('a', ['v']),
    demand('b', ['v', 'x'], ['m2', 'm3']),
    ofTemplate('b', ['w']),
    ofTemplate('c', ['w'], ['m3']),
  ];
  const placed = placeVolumes(demands, [claim('v'), claim('w')]);
  assert.deepEqual([...placed.problems], []);
  for (const service of ['a', 'b', 'c'])
    assert.deepEqual(allowed(placed, service), ['m3'], service);
  assert.deepEqual(creates(placed).toSorted(), ['v m3', 'w m3', 'x m3']);
});

test('where a claim of a template comes to be is left to its storage class', () => {
  const claims = [claim('v', undefined, { isProvisioned: true })];
  const placed = placeVolumes([ofTemplate('a', ['v'])], claims);
  assert.deepEqual([creates(placed), allowed(placed, 'a')], [[], ['m1', 'm2', 'm3']]);
});

test('a claim of a template has nothing to do with a volume of a global service that is called so', () => {
  const global = demand('g', ['v'], ['m1', 'm2'], { mode: 'Global' });
  const kept = [claim('v', 'm1', { name: 'v-m1' }), claim('v', 'm3', { name: 'v' })];
  const placed = placeVolumes([global, ofTemplate('a', ['v'])], kept);
  assert.deepEqual([...placed.problems], []);
  assert.deepEqual(allowed(placed, 'a'), ['m3']);
});

test('a claim without a node is given one; one that belongs to none restricts nobody', () => {
  const placed = placeVolumes([demand('a', ['v'])], [claim('v')]);
  assert.equal(placed.creates[0]?.existing, 'v');
  const shared = claim('v', undefined, { where: 'anywhere' });
  assert.deepEqual(allowed(placeVolumes([demand('a', ['v'])], [shared]), 'a'), ['m1', 'm2', 'm3']);
});

test('global services have a volume on each of their nodes', () => {
  const mode = { mode: 'Global' } as const;
  const placed = placeVolumes(
    [demand('a', ['v'], ['m1', 'm2'], mode), demand('b', ['v'], ['m2', 'm3'], mode)],
    [claim('v', 'm1')],
  );
  assert.deepEqual(creates(placed), ['v m2', 'v m3']);
  const mixed = placeVolumes([demand('a', ['v'], ['m1'], mode), demand('b', ['v'])], []);
  assert.match(
    mixed.problems.get('b') ?? '',
    /cannot be shared between global and replicated services/,
  );
});

test('external volumes must be there, and drivers must match', () => {
  const external = {
    volumes: [
      { name: 'v', external: true },
      { name: 'w', external: true },
    ],
  };
  const none = placeVolumes([demand('a', [], ['m1'], external)], []);
  assert.equal(none.problems.get('a'), "external volumes not found: 'v', 'w'");
  assert.deepEqual(creates(none), []);
  const nfs = { volumes: [{ name: 'v', driver: { name: 'nfs', options: { o: '1' } } }] };
  assert.match(
    placeVolumes([demand('a', [], ['m1'], nfs)], [claim('v', 'm1')]).problems.get('a') ?? '',
    /^volume 'v' specification does not match the existing volume, which has driver local/,
  );
  const same = claim('v', 'm1', { driver: { name: 'nfs', options: { o: '1' } } });
  assert.deepEqual(allowed(placeVolumes([demand('a', [], ['m1'], nfs)], [same]), 'a'), ['m1']);
  const apart = placeVolumes([demand('a', [], ['m1'], nfs), demand('b', ['v'])], []);
  assert.match(apart.problems.get('a') ?? '', /with different options, by services 'a' and 'b'/);
});

test('services that share a volume and cannot meet are told of each other', () => {
  const placed = placeVolumes([demand('a', ['v'], ['m1']), demand('b', ['v'], ['m2'])], []);
  assert.match(
    placed.problems.get('a') ?? '',
    /for services 'a', 'b' that must be placed together to share volume 'v'$/,
  );
  assert.deepEqual(creates(placed), []);
});

test('whatever is asked for: who is placed finds all its volumes there, and asking again changes nothing', () => {
  const nodes = fc.subarray(['m1', 'm2', 'm3']);
  const volumes = fc.subarray(['u', 'v', 'w'], { minLength: 1 });
  const demands = fc.array(fc.record({ nodes, volumes }), { minLength: 1, maxLength: 4 });
  const kept = fc.array(fc.tuple(fc.constantFrom('u', 'v'), fc.constantFrom('m1', 'm2')), {
    maxLength: 3,
  });
  fc.assert(
    fc.property(demands, kept, (wanted, existing) => {
      const claims = existing.map(([name, node]) => claim(name, node, { name: `${name}-${node}` }));
      const all = wanted.map((one, index) => demand(`s${index}`, one.volumes, one.nodes));
      const placed = placeVolumes(all, claims);
      const after = [...claims, ...placed.creates.map((one) => claim(one.claimName, one.node))];
      for (const one of all) {
        const where = allowed(placed, one.service);
        assert.equal(where.length > 0, !placed.problems.has(one.service));
        for (const node of where) {
          assert.ok(one.eligible.includes(node));
          for (const { name } of one.volumes)
            assert.ok(
              after.some(
                (kept) =>
                  kept.claimName === name &&
                  typeof kept.where === 'object' &&
                  kept.where.node === node,
              ),
            );
        }
      }
      assert.deepEqual(
        creates(
          placeVolumes(
            all.filter(({ service }) => !placed.problems.has(service)),
            after,
          ),
        ),
        [],
      );
    }),
  );
});
