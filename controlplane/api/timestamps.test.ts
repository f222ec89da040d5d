import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  ageOf,
  formatMicroTime,
  formatTimestamp,
  humanDuration,
  parseTimestamp,
} from './timestamps.ts';

const instants = fc.integer({ min: -2_000_000_000_000, max: 200_000_000_000_000 });

test('parseTimestamp() reads back what formatTimestamp() wrote, to the second', () => {
  fc.assert(
    fc.property(instants, (ms) => {
      assert.equal(parseTimestamp(formatTimestamp(ms)), Math.floor(ms / 1000) * 1000);
    }),
  );
});

test('the first years of the calendar come back as they were', () => {
  for (const text of ['0001-01-01T00:00:02Z', '0000-12-31T23:59:59Z', '0099-06-15T12:00:00Z']) {
    assert.equal(formatTimestamp(parseTimestamp(text) ?? 0), text);
  }
});

test('formatMicroTime() always has six digits and loses no millisecond', () => {
  fc.assert(
    fc.property(instants, (ms) => {
      const text = formatMicroTime(ms);
      assert.match(text, /\.\d{6}Z$/);
      assert.equal(parseTimestamp(text), ms);
    }),
  );
});

for (const [text, expected] of [
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01T01:00:00+01:00', 0],
  ['1970-01-01T00:00:00.000500Z', 0.5],
  ['1969-12-31T19:30:00-04:30', 0],
  ['0001-01-01T00:00:02.000000Z', -62_135_596_798_000],
  ['0000-02-29T00:00:00Z', -62_162_121_600_000],
  ['0001-02-29T00:00:00Z', undefined],
  ['0000-01-01T00:00:00+01:00', undefined],
  ['9999-12-31T23:59:59-01:00', undefined],
  ['2026-02-30T00:00:00Z', undefined],
  ['2026-01-01T24:00:00Z', undefined],
  ['2026-01-01 00:00:00Z', undefined],
  ['2026-01-01T00:00:00', undefined],
  ['', undefined],
] as const) {
  test(`parseTimestamp(${JSON.stringify(text)}) is ${expected}`, () => {
    assert.equal(parseTimestamp(text), expected);
  });
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

for (const [ms, expected] of [
  [-5 * SECOND, '<invalid>'],
  [-1 * SECOND, '0s'],
  [0, '0s'],
  [119 * SECOND, '119s'],
  [120 * SECOND, '2m'],
  [2 * MINUTE + 5 * SECOND, '2m5s'],
  [10 * MINUTE + 5 * SECOND, '10m'],
  [179 * MINUTE, '179m'],
  [3 * HOUR, '3h'],
  [3 * HOUR + 7 * MINUTE, '3h7m'],
  [9 * HOUR + 7 * MINUTE, '9h'],
  [47 * HOUR, '47h'],
  [2 * DAY, '2d'],
  [2 * DAY + 4 * HOUR, '2d4h'],
  [12 * DAY + 4 * HOUR, '12d'],
  [729 * DAY, '729d'],
  [2 * 365 * DAY + 30 * DAY, '2y30d'],
  [9 * 365 * DAY + 30 * DAY, '9y'],
] as const) {
  test(`humanDuration(${ms} ms) is ${expected}`, () => assert.equal(humanDuration(ms), expected));
}

test('ageOf() says <unknown> for what is no timestamp', () => {
  assert.equal(ageOf(undefined, 0), '<unknown>');
  assert.equal(ageOf('yesterday', 0), '<unknown>');
  assert.equal(ageOf('1970-01-01T00:00:00Z', 61_000), '61s');
});

test('formatMicroTime() gives back every microsecond that parseTimestamp() read', () => {
  for (let micros = 0; micros < 1_000_000; micros += 997) {
    const text = `2026-11-21T01:34:02.${String(micros).padStart(6, '0')}Z`;
    assert.equal(formatMicroTime(parseTimestamp(text) ?? NaN), text);
  }
});
