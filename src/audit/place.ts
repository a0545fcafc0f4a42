import type { LogPosition, RecordedEvent } from '../runtime/event-store.js';

/** Where an event stands: every row that follows a stream says it of the stream's last event. */
export interface Place {
  readonly revision: number;
  readonly position: LogPosition;
  readonly effectiveAt: string;
  /** Milliseconds since 1970. */
  readonly recordedAtMs: number;
}

export const placeOf = ({ revision, position, metadata, recordedAt }: RecordedEvent): Place => ({
  revision,
  position,
  effectiveAt: metadata.effectiveAt,
  recordedAtMs: recordedAt.getTime(),
});
