import { z } from 'zod';
import { isCurrency } from '../domain/money.js';
import * as domain from '../domain/schemas.js';
import { PAGE_DEFAULT_ROWS, PAGE_MAX_ROWS } from '../projections/cursor.js';
import { isStorableText } from './body.js';
import { parsePosition } from './position-token.js';

/** The words of requests and answers. Requests are strict: a field nobody reads is a mistake that somebody should hear of. */
export const id = domain.businessId.refine(isStorableText, 'no half of a surrogate pair').meta({
  description: 'An id of the outside world; case matters.',
  example: '1001',
});
/** Channels, locations and coupons are named by us, so their names need no encoding anywhere. */
export const slug = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dots, dashes and underscores; at most 64')
  .meta({ description: 'Letters, digits, `.`, `-`, `_`; case matters.', example: 'web' });
export const text = domain.reasonText.refine((value) => !/\p{Cc}/u.test(value), 'no control characters');
export const { quantity, signedQuantity } = domain;

export const currency = z
  .string()
  .refine(isCurrency, 'an ISO 4217 code')
  .meta({ description: 'ISO 4217', example: 'GBP' });

/** Amounts have at most 12 digits before the point, so that sums of many fit everywhere. */
export const money = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,4})?$/, 'a decimal string such as "12.34"')
  .meta({
    description: 'Decimal string with at most the decimals of its currency. Never a number.',
    example: '12.34',
  });
export const signedMoney = z
  .string()
  .regex(/^-?\d{1,12}(\.\d{1,4})?$/, 'a decimal string such as "-12.34"')
  .meta({ description: 'Signed decimal string.', example: '-12.34' });
export const unitPrice = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'a decimal string of up to 6 places')
  .meta({ description: 'Price of one unit: a decimal string of up to 6 places.', example: '2.55' });

const YEAR_MIN = 1900;
const isSensible = (value: string): boolean => Number(value.slice(0, 4)) >= YEAR_MIN;
/** With nanoseconds. PostgreSQL reads no time of more than some hundred characters. */
const INSTANT_LENGTH_MAX = 'YYYY-MM-DDTHH:MM:SS.123456789Z'.length;

/** ISO 8601 in UTC, of a year that every part can keep. */
export const instant = z.iso
  .datetime()
  .max(INSTANT_LENGTH_MAX, 'at most 9 decimals of a second')
  .refine(isSensible, `a year from ${YEAR_MIN}`)
  .meta({ description: 'ISO 8601 in UTC.', example: '2026-11-22T18:00:00Z' });

export const position = z
  .string()
  .refine((value) => parsePosition(value) !== undefined, 'a position as an Event-Position header gave it')
  .meta({ description: 'A position as an `Event-Position` header gave it.', example: '104857' });

/** A day of a calendar. */
export const day = z.iso
  .date()
  .refine(isSensible, `a year from ${YEAR_MIN}`)
  .meta({ description: 'A day in the time zone of the channel.', example: '2026-11-22' });

/** `asOf`: by effective time. `knownAt`: by recorded time, or by position. */
export const pastQuery = {
  asOf: instant.optional().meta({ description: 'As it was at this effective time.' }),
  knownAt: z
    .union([instant, position])
    .optional()
    .meta({ description: 'As it was known at this recorded time or position.' }),
};

/** Whole numbers in a query string. */
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max));

export const pageQuery = {
  limit: wholeNumber(1, PAGE_MAX_ROWS)
    .optional()
    .meta({ description: `Rows per page, at most ${PAGE_MAX_ROWS}; ${PAGE_DEFAULT_ROWS} when absent.` }),
  cursor: z.string().max(2_000).optional().meta({ description: '`nextCursor` of the page before.' }),
};

export const effectiveAt = instant.optional().meta({
  description: 'When it happened in the world; now when absent.',
});

export const page = <Item extends z.ZodType>(item: Item) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: '`cursor` of the next page; null on the last.' }),
  });
