import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cronProblem } from './cron.ts';

test('schedules that crontab(5) knows', () => {
  for (const schedule of [
    '* * * * *',
    '*/15 0-6,20-23 1,15 jan-mar MON-FRI',
    '0 0 ? * *',
    '5/10 * * * *',
    '@hourly',
    '@every 1h30m',
    ' 0 0 * * * ',
  ]) {
    assert.equal(cronProblem(schedule), undefined, schedule);
  }
});

test('others are refused with the part that is wrong', () => {
  for (const [schedule, message] of [
    ['', /empty/],
    ['* * * *', /expected exactly 5 fields, found 4: \[\* \* \* \*\]/],
    ['* * * * * *', /found 6/],
    ['60 * * * *', /end of range \(60\) above maximum \(59\)/],
    ['* * 0 * *', /beginning of range \(0\) below minimum \(1\)/],
    ['* * * 5-2 *', /beyond end of range/],
    ['*/0 * * * *', /step of range should be a positive number/],
    ['a * * * *', /failed to parse int from a/],
    ['* * * * 1-2-3', /too many hyphens/],
    ['*/1/2 * * * *', /too many slashes/],
    ['@never', /unrecognized descriptor/],
    ['@every soon', /failed to parse duration/],
  ] as const) {
    assert.match(cronProblem(schedule) ?? '', message, schedule);
  }
});
