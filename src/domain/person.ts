import { z } from 'zod';
import { businessId, reasonText } from './schemas.js';

/**
 * What is known of a person. It is kept in the vault and nowhere else: no event, no read model, no line of a log has any of it.
 * They know the person by a customer id, and an address by its id.
 */
export const NAME_PART_LENGTH_MAX = 100;
export const ADDRESSES_MAX = 20;
export const STREET_LINES_MAX = 4;
export const ADDRESS_LINE_LENGTH_MAX = 100;
export const PHONES_MAX = 10;
export const MAILS_MAX = 10;
const MAIL_LENGTH_MAX = 254;

/** One line of text without blanks at its ends. */
const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(
      /^[^\s\p{Cc}\p{Cs}](?:[^\p{Cc}\p{Cs}]*[^\s\p{Cc}\p{Cs}])?$/u,
      'one line, no control characters, no blanks at the ends',
    );
const namePart = line(NAME_PART_LENGTH_MAX).optional();
const addressLine = line(ADDRESS_LINE_LENGTH_MAX);

const personName = z
  .strictObject({
    prefix: namePart,
    given: namePart,
    middle: namePart,
    family: namePart,
    suffix: namePart,
    organisation: namePart,
  })
  .refine((parts) => Object.values(parts).some((part) => part !== undefined), 'at least one part');

export const address = z.strictObject({
  addressId: businessId,
  /** Who receives there; the person when absent. */
  recipient: namePart,
  street: z.array(addressLine).min(1).max(STREET_LINES_MAX),
  city: addressLine,
  postalCode: line(20).optional(),
  region: addressLine.optional(),
  country: z.string().regex(/^[A-Z]{2}$/, 'an ISO 3166 alpha-2 code'),
});

export const person = z.strictObject({
  name: personName,
  addresses: z
    .array(address)
    .max(ADDRESSES_MAX)
    .refine(
      (all) => new Set(all.map(({ addressId }) => addressId)).size === all.length,
      'no address id twice',
    )
    .optional(),
  phones: z
    .array(z.string().regex(/^\+?[\d ()./-]{3,40}$/, 'a phone number'))
    .max(PHONES_MAX)
    .optional(),
  mails: z
    .array(
      z
        .string()
        .max(MAIL_LENGTH_MAX)
        .regex(/^[^\s@\p{Cc}\p{Cs}]+@[^\s@\p{Cc}\p{Cs}]+$/u, 'a mail address'),
    )
    .max(MAILS_MAX)
    .optional(),
  note: reasonText.optional(),
});

export type PersonName = z.infer<typeof personName>;
export type Address = z.infer<typeof address>;
export type Person = z.infer<typeof person>;

/** As one writes it on a parcel. */
export const fullName = ({ prefix, given, middle, family, suffix, organisation }: PersonName): string => {
  const own = [prefix, given, middle, family, suffix].filter((part) => part !== undefined).join(' ');
  return own === '' ? (organisation ?? '') : own;
};

/** The address of that id; without an id the only one there is. */
export const addressOf = ({ addresses = [] }: Person, addressId: string | undefined): Address | undefined => {
  if (addressId !== undefined) return addresses.find((one) => one.addressId === addressId);
  return addresses.length === 1 ? addresses[0] : undefined;
};
