// What a webhook may answer, and what it is told when that is no answer.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { readResponse } from './admission-review.ts';

const UID = 'the-uid';
const envelope = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
const answer = (response: object): object => ({ ...envelope, response: { uid: UID, ...response } });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('an answer that counts', () => {
  const response = readResponse(
    answer({
      allowed: true,
      patch: base64('[]'),
      patchType: 'JSONPatch',
      warnings: ['w'],
      auditAnnotations: { a: 'b' },
      status: { code: 200 },
    }),
    UID,
    true,
  );
  assert.deepEqual(response, {
    allowed: true,
    status: { code: 200 },
    patch: '[]',
    patchType: 'JSONPatch',
    warnings: ['w'],
    annotations: { a: 'b' },
  });
});

suite('answers that do not', () => {
  const cases: readonly (readonly [
    title: string,
    body: unknown,
    mutating: boolean,
    why: RegExp,
  ])[] = [
    ['nothing', null, true, /no JSON object/],
    ['no response', envelope, true, /^Error: webhook response was absent$/],
    [
      'another uid',
      { ...envelope, response: { uid: 'x' } },
      true,
      /expected response.uid="the-uid", got "x"/,
    ],
    [
      'a uid that says more than a uid',
      { ...envelope, response: { uid: 'what nobody shall read' } },
      true,
      /got "\(not shown\)"$/,
    ],
    [
      'the old version',
      { ...answer({}), apiVersion: 'admission.k8s.io/v1beta1' },
      true,
      /expected webhook response of admission.k8s.io\/v1, Kind=AdmissionReview, got admission.k8s.io\/v1beta1, Kind=AdmissionReview/,
    ],
    ['no boolean', answer({ allowed: 'yes' }), true, /response.allowed must be a boolean/],
    [
      'a patch without type',
      answer({ patch: 'W10=' }),
      true,
      /response.patch but not response.patchType/,
    ],
    [
      'a type without patch',
      answer({ patchType: 'JSONPatch' }),
      true,
      /response.patchType but not response.patch/,
    ],
    [
      'a patch that is no base64',
      answer({ patch: '%', patchType: 'JSONPatch' }),
      true,
      /must be base64/,
    ],
    [
      'a patch of who only validates',
      answer({ patch: 'W10=' }),
      false,
      /validating webhook may not return response.patch$/,
    ],
    [
      'its type',
      answer({ patchType: 'JSONPatch' }),
      false,
      /validating webhook may not return response.patchType/,
    ],
    ['warnings that are none', answer({ warnings: 'w' }), true, /response.warnings must be a list/],
    ['annotations that are none', answer({ auditAnnotations: { a: 1 } }), true, /a map of strings/],
  ];
  for (const [title, body, mutating, why] of cases) {
    test(title, () => assert.throws(() => readResponse(body, UID, mutating), why));
  }
});
