/** A fact of the business as a decider yields and evolves it: plain JSON data under a past-tense name. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** An expected "no": a value, never an exception. `code` is stable and part of the API. */
export interface Rejection {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export const reject = (
  code: string,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Rejection => (details === undefined ? { code, message } : { code, message, details });

/** What a decision yields: facts (none when everything asked for is already so), or a rejection. */
export type Decision<Event> = readonly Event[] | Rejection;

export const isRejection = <Event>(decision: Decision<Event>): decision is Rejection =>
  !Array.isArray(decision);

/**
 * The rules of one kind of stream. Pure: time and ids arrive with the command.
 * `decide` a command that was already decided (same business id) yields no event.
 * `evolve` never mutates its argument. Raise `stateVersion` when the shape of the state changes: it keys snapshots.
 */
export interface Decider<Command, Event extends DomainEvent, State> {
  readonly category: string;
  readonly stateVersion: number;
  readonly initialState: State;
  decide(command: Command, state: State): Decision<Event>;
  evolve(state: State, event: Event): State;
}
