import {
  type AllStreamResolvedEvent,
  ErrorType,
  isCommandError,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import {
  LOG_START,
  type LogPosition,
  type ReadAllOptions,
  type StoredEvent,
} from '../../runtime/event-store.js';

/** Servers before 22.6 send this in reads of a stream, where they do not know the position. */
const POSITION_UNKNOWN = 0xffff_ffff_ffff_ffffn;

export const isKnown = (position: LogPosition | undefined): position is LogPosition =>
  position !== undefined && position.commit !== POSITION_UNKNOWN && position.commit >= 0n;

/** `undefined` for an event of another namespace, or a link whose event is gone. */
export const toStoredEvent = (
  { event, commitPosition }: ResolvedEvent | AllStreamResolvedEvent,
  namespace: string,
): StoredEvent | undefined => {
  if (event === undefined || !event.streamId.startsWith(namespace)) return undefined;
  const { id, type, data, metadata, revision, created } = event;
  let position = event.position;
  if (!isKnown(position)) {
    position = commitPosition === undefined ? LOG_START : { commit: commitPosition, prepare: commitPosition };
  }
  return {
    id,
    type,
    data,
    metadata: isRecord(metadata) ? metadata : {},
    stream: event.streamId.slice(namespace.length),
    revision: Number(revision),
    position,
    recordedAt: created,
  };
};

/** What a reader asked for, of events without namespace: a server's filter may let more through. */
export const wantedEvents = ({
  categories,
  types,
}: Pick<ReadAllOptions, 'categories' | 'types'>): ((event: StoredEvent) => boolean) => {
  const [ofCategory, ofType] = [new Set(categories), types === undefined ? undefined : new Set(types)];
  return ({ stream, type }) =>
    ofCategory.has(stream.slice(0, stream.indexOf('-'))) && (ofType === undefined || ofType.has(type));
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/** The client's name for what went wrong, or undefined where it has none. */
export const errorTypeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error && isCommandError(error))) return undefined;
  // The client (6.2.1) has a name for this and calls it unknown all the same, so it would be tried again in vain.
  return error.code === status.INVALID_ARGUMENT ? ErrorType.INVALID_ARGUMENT : error.type;
};
