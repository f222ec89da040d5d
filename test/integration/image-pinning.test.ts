// A service runs the bytes that its tags stood for when they were looked up, on all nodes; and others when somebody asks again. With
// a real registry, over the real control plane.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVICES } from '#controllers/machinery/resources.ts';
import { parseImageReference } from '#controllers/machinery/image-reference.ts';
import { pushImage } from '#controllers/registry/image-fixture.ts';
import { Repository } from '#controllers/registry/repository.ts';
import { Transport } from '#controllers/registry/transport.ts';
import { systemClock } from '#platform/clock.ts';
import { missingForRegistry, startRegistry } from '../support/docker-registry.ts';
import { eventually } from '../support/eventually.ts';
import { needs } from '../support/missing-part.ts';
import { ServiceBench, templateOf } from '../support/service-bench.ts';

test(
  'a tag is pinned once, and a moved one is rolled out when it is asked for',
  needs(await missingForRegistry()),
  async (t) => {
    const registry = await startRegistry();
    t.after(() => registry.close());
    const bench = await ServiceBench.start(t);
    const { client, signal } = bench.plane;
    const image = `${registry.address}/acme/app:1`;
    const transport = new Transport({
      clock: systemClock,
      userAgent: 'windlass-test',
      plainHTTP: [],
    });
    t.after(() => transport[Symbol.asyncDispose]());
    const repository = new Repository(transport, parseImageReference(image), []);
    const first = await pushImage(repository, '1', 'first', signal);
    await bench.plane.controllers(undefined, {
      registries: { dockerFolder: undefined, environment: {} },
    });
    await bench.create(image);
    await bench.settled(`${image}@${first}`, 3);

    const second = await pushImage(repository, '1', 'second', signal);
    assert.notEqual(second, first);
    // Growing and repairing bring no other bytes.
    await bench.change({ replicas: 4 });
    await bench.settled(`${image}@${first}`, 4);
    const ask = { metadata: { annotations: { 'windlass.dev/resolve-images': 'now' } } };
    await client.patch(SERVICES, 'default', 'web', '', 'merge', ask, signal);
    await bench.settled(`${image}@${second}`, 4);
    assert.equal((await bench.revisions()).length, 2);
    // Asked again, nothing has moved.
    const made = bench.nodes.created.length;
    const again = { metadata: { annotations: { 'windlass.dev/resolve-images': 'later' } } };
    await client.patch(SERVICES, 'default', 'web', '', 'merge', again, signal);
    await eventually('it was looked up', async () => {
      const revisions = await bench.revisions();
      assert.ok(
        revisions.some(
          ({ metadata }) => metadata.annotations?.['windlass.dev/images-resolved-for'] === 'later',
        ),
      );
    });
    await bench.settled(`${image}@${second}`, 4);
    assert.equal(bench.nodes.created.length, made);
    // The unpinned template of another service of the same image is what it was asked for.
    assert.deepEqual(templateOf(image), (await bench.service()).spec['template']);
  },
);
