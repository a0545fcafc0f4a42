import { joinId, splitId } from './stream-id.js';

/** Days and months of a ledger are those of the channel's time zone, by effective time. */
const formats = new Map<string, Intl.DateTimeFormat>();

const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format;
};

const LAST_DAY = '9999-12-31';

/** `dayIn('Europe/London', '2011-07-31T23:30:00Z')` is `2011-08-01`. Throws RangeError for what is no zone or no time. */
export const dayIn = (timeZone: string, instant: string): string => {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(new Date(instant))
      .map(({ type, value }) => [type, value]),
  );
  const year = parts.get('year') ?? '';
  // East of Greenwich the last instant that a timestamp can name lies in a year that it cannot.
  if (year.length > 4) return LAST_DAY;
  return `${year.padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`;
};

export const monthOf = (day: string): string => day.slice(0, 7);

/** `settlementIdOf('web', '2011-08')` is `web~2011-08`. */
export const settlementIdOf = (party: string, month: string): string => joinId(party, month);

/** The inverse of {@link settlementIdOf}. */
export const settlementOf = (id: string): { party: string; month: string } => {
  const [party = '', month = ''] = splitId(id);
  return { party, month };
};
