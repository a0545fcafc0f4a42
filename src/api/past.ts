import type { Decider, DomainEvent } from '../domain/decider.js';
import type { CommandBus } from '../runtime/command-bus.js';
import { comparePositions, type RecordedEvent } from '../runtime/event-store.js';
import { parsePosition } from './position-token.js';
import { Problem } from './problems.js';

/** Which past is asked for: what had happened by `asOf` (effective time), as far as it was known at `knownAt`. */
export interface PastQuery {
  readonly asOf?: string | undefined;
  /** ISO 8601 recorded time, or a position of the log. */
  readonly knownAt?: string | undefined;
}

/** A past read folds a stream from its start; longer ones are refused rather than held in memory and time. */
export const PAST_EVENTS_MAX = 200_000;

export const asksForPast = ({ asOf, knownAt }: PastQuery): boolean =>
  asOf !== undefined || knownAt !== undefined;

/** Whether an event belongs to the past that is asked for. */
export const belongsTo = ({ asOf, knownAt }: PastQuery): ((event: RecordedEvent) => boolean) => {
  const effectiveUntil = asOf === undefined ? undefined : Date.parse(asOf);
  const position = knownAt === undefined ? undefined : parsePosition(knownAt);
  const recordedUntil = knownAt === undefined || position !== undefined ? undefined : Date.parse(knownAt);
  return (event) =>
    (effectiveUntil === undefined || Date.parse(event.metadata.effectiveAt) <= effectiveUntil) &&
    (position === undefined || comparePositions(event.position, position) <= 0) &&
    (recordedUntil === undefined || event.recordedAt.getTime() <= recordedUntil);
};

export interface PastState<State> {
  readonly state: State;
  /** How many events belong to it; 0 says that it was not there. */
  readonly events: number;
}

/** A stream folded through its decider as of then, in recorded order. Problem: `history_too_long`. */
export const foldPast = async <Command, Event extends DomainEvent, State>(
  bus: CommandBus,
  decider: Decider<Command, Event, State>,
  id: string,
  query: PastQuery,
): Promise<PastState<State>> => {
  const belongs = belongsTo(query);
  let state = decider.initialState;
  let events = 0;
  let read = 0;
  for await (const recorded of bus.history<Event>(decider.category, id)) {
    read += 1;
    if (read > PAST_EVENTS_MAX) {
      throw new Problem(
        'history_too_long',
        `more than ${PAST_EVENTS_MAX} events are not folded in a request`,
      );
    }
    if (!belongs(recorded)) continue;
    state = decider.evolve(state, recorded.event);
    events += 1;
  }
  return { state, events };
};
