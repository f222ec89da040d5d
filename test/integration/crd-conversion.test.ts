// Conversion webhooks of CustomResourceDefinitions, with a real HTTPS server that converts. Each case has an outcome that Kubernetes'
// own server gave (conversion-outcomes.json, written with WINDLASS_RECORD=1 where there is one); ours must give the same.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { stringAt } from '#controlplane/api/fields.ts';
import { TestControlPlane } from '../support/control-plane.ts';
import { conversionCases } from '../support/conversion-cases.ts';
import {
  ConversionWorld,
  convertAll,
  GROUP,
  objectsOf,
  respond,
} from '../support/conversion-world.ts';
import type { Thing } from '../support/conversion-world.ts';
import { eventually } from '../support/eventually.ts';
import { ForeignServer, missingForeignServer } from '../support/foreign-server.ts';
import { RawApi } from '../support/raw-api.ts';
import { WebhookServer } from '../support/webhook-server.ts';

const file = join(import.meta.dirname, 'conversion-outcomes.json');
const isRecording = process.env['WINDLASS_RECORD'] === '1';
const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
const foreign = missingForeignServer();

async function worldOf(
  t: Pick<TestContext, 'after'>,
  kubeconfig: string,
): Promise<ConversionWorld> {
  const server = await WebhookServer.start(t);
  const api = await RawApi.open(kubeconfig);
  t.after(() => api.close());
  return new ConversionWorld(api, server);
}

async function play(world: ConversionWorld): Promise<Record<string, unknown>> {
  const outcomes: Record<string, unknown> = {};
  for (const { title, play: run } of conversionCases) {
    // As a file holds it: without fields that are undefined.
    outcomes[title] = JSON.parse(JSON.stringify(await run(world)));
  }
  return outcomes;
}

function name(object: unknown): string {
  return stringAt(object, 'metadata', 'name');
}

async function take(lines: AsyncGenerator<string>, count: number): Promise<string[]> {
  const events: string[] = [];
  while (events.length < count) {
    const next = await lines.next();
    if (next.done === true) break;
    const { type, object } = JSON.parse(next.value) as { type: string; object: unknown };
    events.push(`${type} ${name(object)}`);
  }
  return events;
}

suite('conversion webhooks', () => {
  test('ours does what is recorded', async (t) => {
    const plane = await TestControlPlane.start(t);
    const world = await worldOf(t, plane.kubeconfig);
    const outcomes = await play(world);
    for (const [title, outcome] of Object.entries(outcomes)) {
      assert.deepEqual(outcome, recorded[title], title);
    }
    assert.deepEqual(Object.keys(recorded).toSorted(), Object.keys(outcomes).toSorted());
    const metrics = await plane.exposition();
    assert.match(
      metrics,
      /^apiserver_crd_conversion_webhook_duration_seconds_count\{crd_name="gadgets.conversion.example.com",from_version="v1beta1",to_version="v1",succeeded="true"\} /m,
    );
    assert.match(
      metrics,
      /^apiserver_conversion_webhook_request_total\{result="failure",failure_type="conversion_webhook_call_failure"\} /m,
    );
    assert.match(
      metrics,
      /^apiserver_conversion_webhook_duration_seconds_count\{result="success",failure_type=""\} /m,
    );
  });

  test('watches share what is converted, and end with what a webhook says; a dead one holds nothing up', async (t) => {
    const plane = await TestControlPlane.start(t);
    const world = await worldOf(t, plane.kubeconfig);
    let isDead = false;
    await world.define('wheels', (review) =>
      isDead
        ? respond(review, { result: { status: 'Failure', message: 'out of order' } })
        : convertAll((one) => one)(review),
    );
    for (const name of ['a', 'b', 'c']) await world.create('wheels', 'v1', name);
    world.server.asked.length = 0;
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const path = world.path('wheels', 'v1beta1');
    const watches = Array.from({ length: 5 }, () => world.api.lines(`${path}?${query}`));
    const begun = await Promise.all(watches.map((watch) => take(watch, 4)));
    await world.create('wheels', 'v1', 'd');
    const followed = await Promise.all(watches.map((watch) => take(watch, 1)));
    for (const events of begun) {
      assert.deepEqual(events, ['ADDED a', 'ADDED b', 'ADDED c', 'BOOKMARK ']);
    }
    for (const events of followed) assert.deepEqual(events, ['ADDED d']);
    for (const watch of watches) await watch.return(undefined);
    const asked = world.server.reviews('/wheels').flatMap((review) => objectsOf(review).map(name));
    assert.deepEqual(
      asked.toSorted(),
      ['a', 'b', 'c', 'd'],
      'each object once, however many watch',
    );

    isDead = true;
    const message =
      'conversion webhook for conversion.example.com/v1, Kind=Wheel failed: out of order';
    const list = await world.call('GET', world.path('wheels', 'v1'));
    const { resourceVersion } = (list.body as Thing).metadata;
    const from = `${path}?watch=1&resourceVersion=${String(resourceVersion)}`;
    const [event] = await world.events(from, 2, async () => {
      await world.create('wheels', 'v1', 'e');
    });
    assert.equal(stringAt(event, 'type'), 'ERROR');
    assert.equal(stringAt(event, 'object', 'message'), message);
    const refused = await world.call('GET', path);
    assert.deepEqual(refused.body, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      code: 500,
    });
    assert.equal((await world.call('GET', world.path('wheels', 'v1'))).code, 200);

    // The definition goes with all its objects, in whichever version they are stored.
    const definition = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/wheels.${GROUP}`;
    await world.call('DELETE', definition);
    await eventually('the definition is gone', async () => {
      assert.equal((await world.call('GET', definition)).code, 404);
    });
  });

  test("so does Kubernetes' own server", { skip: foreign ?? false }, async (t) => {
    const server = await ForeignServer.start(t);
    const outcomes = await play(await worldOf(t, server.kubeconfig));
    if (isRecording) writeFileSync(file, `${JSON.stringify(outcomes, undefined, 2)}\n`);
    else assert.deepEqual(outcomes, recorded);
  });
});
