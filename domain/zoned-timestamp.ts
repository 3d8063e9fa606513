/** A moment as a clock of the time zone shows it, with its offset: `2026-11-24T02:53:13.786000+01:00`. */
export function toZonedTimestamp(date: Date, timezone: string): string {
  const offsetMinutes = offsetOf(date, timezone);
  const local = new Date(date.getTime() + offsetMinutes * 60_000).toISOString().replace(/Z$/, '');
  const size = Math.abs(offsetMinutes);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${local}000${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Minutes east of UTC at that moment. */
function offsetOf(date: Date, timezone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    timeZoneName: 'longOffset',
  }).formatToParts(date);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
