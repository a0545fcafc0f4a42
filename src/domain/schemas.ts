import { z } from 'zod';
import { AMOUNT_DIGITS_MAX, isCurrency } from './money.js';

/** The words that events and requests are made of, each with its named limit. */
export const ID_LENGTH_MAX = 128;
export const TEXT_LENGTH_MAX = 500;
export const QUANTITY_MAX = 10_000_000;

/**
 * An id that somebody outside gave: any printable text without surrounding blanks. Case matters. Half a surrogate pair is no
 * text: it has no UTF-8 form, so it can be neither in a stream's name nor in a database.
 */
export const businessId = z
  .string()
  .min(1)
  .max(ID_LENGTH_MAX)
  .regex(
    /^[^\s\p{Cc}\p{Cs}](?:[^\p{Cc}\p{Cs}]*[^\s\p{Cc}\p{Cs}])?$/u,
    'no control characters, no blanks at the ends',
  );

export const quantity = z.int().min(1).max(QUANTITY_MAX);
export const signedQuantity = z
  .int()
  .min(-QUANTITY_MAX)
  .max(QUANTITY_MAX)
  .refine((n) => n !== 0, 'not zero');
/** Text that every database can keep: line breaks and tabs, no other control characters, no half surrogate pairs. */
export const STORABLE_TEXT = /^[^\p{Cc}\p{Cs}]*(?:[\n\r\t][^\p{Cc}\p{Cs}]*)*$/u;
export const reasonText = z
  .string()
  .min(1)
  .max(TEXT_LENGTH_MAX)
  .regex(STORABLE_TEXT, 'no control characters');
export const currency = z.string().refine(isCurrency, 'an ISO 4217 code');

/** A decimal string; which currency's decimals it may have is checked where the currency is known. */
const UNSIGNED = `\\d{1,${AMOUNT_DIGITS_MAX}}(\\.\\d{1,6})?$`;
export const amountText = z.string().regex(new RegExp(`^${UNSIGNED}`), 'a decimal string such as "12.34"');
export const signedAmountText = z
  .string()
  .regex(new RegExp(`^-?${UNSIGNED}`), 'a decimal string such as "-12.34"');

/** A point in time, ISO 8601 in UTC (`2026-11-22T18:00:00Z`). */
export const instant = z.iso.datetime();

/** A recorded id: businessId was checked when it came in, so reading stays cheap. */
export const recordedId = z.string().min(1);
