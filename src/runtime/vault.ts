/**
 * The port of the vault: the only place with personal data. One record per subject (a customer id), encrypted under a key of that
 * subject's own; the key is wrapped by a master key that is in no database. Erasing key and record erases the person and leaves
 * every fact and every total, because they only have the customer id.
 *
 * Guarantees: a record is read whole and as it was written, or the read fails with a stable code; two writers never overwrite each
 * other unseen; no read is answered that is not in the list of accesses; an erased id is never written again.
 */
import type { Rejection } from '../domain/decider.js';
import type { Person } from '../domain/person.js';

export interface VaultCaller {
  /** `key:{id of the API key}`. */
  readonly actor: string;
  readonly role: string;
  /** Set for who may read and write only what the same channel wrote first. */
  readonly channel?: string | undefined;
}

export interface AccessReason {
  readonly purpose: 'read' | 'delivery';
  /** The order it was read for. */
  readonly orderId?: string;
}

export interface KeptPerson {
  readonly customerId: string;
  /** Counts the contents that the record had, from 1. */
  readonly version: number;
  /** The channel that wrote it first; undefined when no channel did. */
  readonly channel: string | undefined;
  readonly writtenAt: Date;
  readonly person: Person;
}

export interface Written {
  readonly version: number;
  readonly change: 'created' | 'changed' | 'none';
}

export interface Erasure {
  readonly customerId: string;
  readonly erasedAt: Date;
  readonly erasedBy: string;
}

export interface Access extends Omit<VaultCaller, 'channel'>, AccessReason {
  /** Grows with every access. */
  readonly id: bigint;
  readonly at: Date;
}

export interface Vault {
  /**
   * Creates or changes the record. The content that is there already changes nothing, whatever version is expected. Rejections:
   * `person_erased`, `forbidden_channel`, `version_required` (there is a record and no version was expected), `stale_version`.
   */
  write(
    customerId: string,
    person: Person,
    caller: VaultCaller,
    expectedVersion: number | undefined,
  ): Promise<Written | Rejection>;
  /** Rejections: `unknown_person` (also when another channel wrote it), `person_erased`. */
  read(customerId: string, caller: VaultCaller, reason: AccessReason): Promise<KeptPerson | Rejection>;
  /**
   * Deletes key and record, where there are any, and refuses the id from now on. Once erased, says when and by whom. `at` is for an
   * erasure that is applied again to a database older than it.
   */
  erase(customerId: string, by: { readonly actor: string; readonly at?: Date }): Promise<Erasure>;
  /** Who read the record, the latest first, those before the access `before`. Also of an erased one. */
  accesses(
    customerId: string,
    page: { readonly before?: bigint | undefined; readonly limit: number },
  ): Promise<readonly Access[]>;
  /** All erasures, by customer id. */
  erasures(): AsyncIterable<readonly Erasure[]>;
  /**
   * Wraps a batch of keys anew that are not wrapped by the current master key. `left`: those that are not yet, somebody else's
   * work under way included.
   */
  rewrap(): Promise<{ readonly rewrapped: number; readonly left: number }>;
}

export interface MasterKey {
  /** Of the key itself, so that the same key has the same id everywhere. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** The keys that wrap the subjects' keys. Both throw {@link VaultClosed}. */
export interface MasterKeys {
  /** Wraps what is written now. */
  current(): Promise<MasterKey>;
  /** One that may have wrapped what was written before. */
  find(id: string): Promise<MasterKey | undefined>;
}

/** There is no master key, or none that can be read. */
export class VaultClosed extends Error {
  readonly code = 'vault_closed';
}

/** A subject's key was wrapped by a master key that is not there. */
export class VaultKeyUnknown extends Error {
  readonly code = 'vault_key_unknown';
  constructor(keyId: string) {
    super(`no master key ${keyId} is in the vault's key file`);
    this.name = 'VaultKeyUnknown';
  }
}

/** What is in the vault was changed there, or belongs to somebody else, or its key is gone. */
export class VaultRecordInvalid extends Error {
  readonly code = 'vault_record_invalid';
  constructor() {
    super('a record of the vault cannot be opened');
    this.name = 'VaultRecordInvalid';
  }
}
