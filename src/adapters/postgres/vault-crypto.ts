/**
 * What is encrypted in the vault: AES-256-GCM, a random nonce each, bound to whom it belongs to by associated data.
 *
 *   sealed = format (1 byte) | nonce (12) | tag (16) | ciphertext
 *
 * A subject's key encrypts one record, once per version, so a random nonce never comes twice; a master key wraps keys, of which there
 * may be 2^32 before anybody needs to think of it (NIST SP 800-38D, 8.3).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Person } from '../../domain/person.js';
import { type MasterKey, VaultRecordInvalid } from '../../runtime/vault.js';

const ALGORITHM = 'aes-256-gcm';
const FORMAT = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;
/** Of the text inside a record, so that a later shape can be told from this one. */
const RECORD_FORMAT = 1;

const associated = (bound: readonly (string | number | null)[]): Buffer => Buffer.from(JSON.stringify(bound));

const seal = (key: Uint8Array, plain: Uint8Array, bound: readonly (string | number | null)[]): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(bound));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([Buffer.from([FORMAT]), nonce, cipher.getAuthTag(), body]);
};

const open = (key: Uint8Array, sealed: Buffer, bound: readonly (string | number | null)[]): Buffer => {
  if (sealed.length < HEADER_BYTES || sealed[0] !== FORMAT) throw new VaultRecordInvalid();
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associated(bound));
  decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEADER_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
  } catch {
    // What the cipher says is always the same, and without it nothing can lead from a log to the record.
    throw new VaultRecordInvalid();
  }
};

export const newSubjectKey = (): Buffer => randomBytes(KEY_BYTES);

export const wrapKey = (master: MasterKey, customerId: string, subjectKey: Uint8Array): Buffer =>
  seal(master.key, subjectKey, ['key', master.id, customerId]);

/** Throws {@link VaultRecordInvalid}. */
export const unwrapKey = (master: MasterKey, customerId: string, wrapped: Buffer): Buffer =>
  open(master.key, wrapped, ['key', master.id, customerId]);

/** What a record is bound to: none can be put in the place of another, nor an old one of the same subject in that of a new one. */
export interface RecordPlace {
  readonly customerId: string;
  readonly version: number;
  readonly channel: string | null;
}

const placeOf = ({ customerId, version, channel }: RecordPlace) => ['record', customerId, version, channel];

export const sealPerson = (subjectKey: Uint8Array, place: RecordPlace, person: Person): Buffer =>
  seal(subjectKey, Buffer.from(JSON.stringify({ format: RECORD_FORMAT, person })), placeOf(place));

/** Throws {@link VaultRecordInvalid}. */
export const openPerson = (subjectKey: Uint8Array, place: RecordPlace, body: Buffer): Person => {
  const plain = open(subjectKey, body, placeOf(place));
  const { format, person } = JSON.parse(plain.toString()) as { format: number; person: Person };
  plain.fill(0);
  if (format !== RECORD_FORMAT) throw new VaultRecordInvalid();
  return person;
};
