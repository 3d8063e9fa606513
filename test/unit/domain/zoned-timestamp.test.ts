import { toZonedTimestamp } from '../../../domain/zoned-timestamp';

it.each([
  ['UTC', '2026-07-01T12:00:00.250000+00:00'],
  ['Europe/Berlin', '2026-07-01T14:00:00.250000+02:00'],
  ['America/St_Johns', '2026-07-01T09:30:00.250000-02:30'],
  ['Asia/Kolkata', '2026-07-01T17:30:00.250000+05:30'],
])('shows a moment on the clock of %s', (zone, text) => {
  expect(toZonedTimestamp(new Date('2026-07-01T12:00:00.250Z'), zone)).toBe(text);
});
