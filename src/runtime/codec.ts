import { randomUUID } from 'node:crypto';
import type { DomainEvent } from '../domain/decider.js';
import type { EventDefinition } from '../domain/event-definition.js';
import type { EventMetadata, EventToAppend, RecordedEvent, StoredEvent } from './event-store.js';

/** Between events as deciders know them and events as the log keeps them. The only one: load, project, replay, test. */
export interface EventCodec {
  /**
   * Validates by the schema of the type's current version, stamps `schemaVersion` and gives it a random id. The data is
   * what the schema made of it: evolve on that, so that a live state equals a replayed one. Throws {@link InvalidEvent}.
   */
  encode(event: DomainEvent, metadata: Omit<EventMetadata, 'schemaVersion'>): EventToAppend;
  /** Upcasts to the current version, then validates. Throws {@link UndecodableEvent}. */
  decode(stored: StoredEvent): RecordedEvent;
}

/** A decider yielded something that its own schema refuses: a bug, never a user's mistake. */
export class InvalidEvent extends Error {
  readonly code = 'invalid_event';
  constructor(
    readonly type: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`event ${type} cannot be written: ${reason}`, options);
    this.name = 'InvalidEvent';
  }
}

/** An event in the log that this build cannot read: unknown type or version, or data its schema refuses. */
export class UndecodableEvent extends Error {
  readonly code = 'undecodable_event';
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  constructor(stored: StoredEvent, reason: string, options?: ErrorOptions) {
    super(`event ${stored.type} at ${stored.stream}@${stored.revision} cannot be read: ${reason}`, options);
    this.name = 'UndecodableEvent';
    this.type = stored.type;
    this.stream = stored.stream;
    this.revision = stored.revision;
  }
}

const TEXT_FIELDS = ['commandId', '$correlationId', '$causationId', 'actor', 'effectiveAt'] as const;
const OPTIONAL_TEXT_FIELDS = ['channel', 'requestHash'] as const;

const isMetadata = (metadata: object): metadata is EventMetadata => {
  const fields = metadata as Readonly<Record<string, unknown>>;
  for (const name of TEXT_FIELDS) if (typeof fields[name] !== 'string') return false;
  for (const name of OPTIONAL_TEXT_FIELDS) {
    if (fields[name] !== undefined && typeof fields[name] !== 'string') return false;
  }
  return Number.isInteger(fields.schemaVersion);
};

const upcast = (definition: EventDefinition, stored: StoredEvent, version: number): unknown => {
  if (version > definition.version || version < 1) {
    throw new UndecodableEvent(stored, `version ${version} is unknown, ${definition.version} is the latest`);
  }
  let data = stored.data;
  for (let from = version; from < definition.version; from += 1) {
    const step = definition.upcasts?.[from];
    if (step === undefined) throw new UndecodableEvent(stored, `no upcast from version ${from}`);
    try {
      data = step(data);
    } catch (cause) {
      throw new UndecodableEvent(stored, `upcast from version ${from} failed`, { cause });
    }
  }
  return data;
};

/** Throws at once when two definitions share a type or an upcast is missing: the program must not start like that. */
export const createCodec = (definitions: readonly EventDefinition[]): EventCodec => {
  const byType = new Map<string, EventDefinition>();
  for (const definition of definitions) {
    if (byType.has(definition.type)) throw new Error(`event ${definition.type} is defined twice`);
    for (let from = 1; from < definition.version; from += 1) {
      if (definition.upcasts?.[from] === undefined) {
        throw new Error(`event ${definition.type} lacks an upcast from version ${from}`);
      }
    }
    byType.set(definition.type, definition);
  }

  return {
    encode(event, metadata) {
      const definition = byType.get(event.type);
      if (definition === undefined) throw new InvalidEvent(event.type, 'the type is not defined');
      const parsed = definition.schema.safeParse(event.data);
      if (!parsed.success) throw new InvalidEvent(event.type, parsed.error.message, { cause: parsed.error });
      return {
        id: randomUUID(),
        type: event.type,
        data: parsed.data,
        // New properties before the spread, see docs/adr/0019.
        metadata: { schemaVersion: definition.version, ...metadata },
      };
    },

    decode(stored) {
      const definition = byType.get(stored.type);
      if (definition === undefined) throw new UndecodableEvent(stored, 'the type is not defined');
      const { metadata } = stored;
      if (!isMetadata(metadata)) throw new UndecodableEvent(stored, 'its metadata is not ours');
      const parsed = definition.schema.safeParse(upcast(definition, stored, metadata.schemaVersion));
      if (!parsed.success) throw new UndecodableEvent(stored, parsed.error.message, { cause: parsed.error });
      const dash = stored.stream.indexOf('-');
      return {
        event: { type: stored.type, data: parsed.data },
        id: stored.id,
        stream: stored.stream,
        category: dash < 0 ? stored.stream : stored.stream.slice(0, dash),
        streamId: dash < 0 ? '' : stored.stream.slice(dash + 1),
        revision: stored.revision,
        position: stored.position,
        recordedAt: stored.recordedAt,
        metadata,
      };
    },
  };
};
