/** Days and months are those of a channel's time zone. */
const formats = new Map<string, Intl.DateTimeFormat>();

const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format;
};

/** `YYYY-MM-DD` of an instant; the last day that can be written where the year has five digits. */
export const dayIn = (timeZone: string, instant: string): string => {
  const [month = '', day = '', year = ''] = formatOf(timeZone).format(Date.parse(instant)).split('/');
  return year.length > 4 ? '9999-12-31' : `${year.padStart(4, '0')}-${month}-${day}`;
};

export const monthIn = (timeZone: string, instant: string): string => dayIn(timeZone, instant).slice(0, 7);

/** Microseconds since 1970 of an ISO 8601 instant in UTC, as PostgreSQL keeps it: finer digits are rounded to even. */
export const microsOf = (instant: string): string => {
  const fraction = /\.(\d+)Z$/.exec(instant)?.[1];
  if (fraction === undefined || fraction.length <= 3) return `${Date.parse(instant) * 1_000}`;
  const seconds = Date.parse(instant.replace(/\.\d+/, '')) / 1_000;
  const exact = Number(`0.${fraction}`) * 1e6;
  const floor = Math.floor(exact);
  const half = exact - floor;
  const rounded = half > 0.5 || (half === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
  return (BigInt(seconds) * 1_000_000n + BigInt(rounded)).toString();
};
