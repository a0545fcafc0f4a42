/**
 * What becomes of an append: EventStoreDB's rules, in their order.
 *
 * The four cases of a repeated append follow from them. At an exact revision (or no_stream) that lies behind the
 * stream's last: every event id equals the one stored at its place, so it is a repeat and succeeds with the old
 * revisions (a leading part of the old batch is one too); an id differs, or the batch runs past the stored events,
 * so the version is wrong. With any and stream_exists there is no place to compare, and only the recent ids are asked.
 */
import { Expected } from './expected.js';

export interface StoredEvent {
  readonly revision: number;
  readonly position: number;
}

/** What the decision needs to know; pending appends included. */
export interface AppendView {
  /** -1 when there is nothing. */
  readonly last: number;
  readonly tombstoned: boolean;
  readonly softDeleted: () => boolean;
  readonly hasMetadata: () => boolean;
  /** A recent event of this stream with that id. */
  readonly recent: (eventId: Buffer) => StoredEvent | undefined;
  /** The event at that revision if its id is that one; may read the log. */
  readonly at: (revision: number, eventId: Buffer) => StoredEvent | undefined;
}

interface Identified {
  readonly id: Buffer;
}

export type AppendDecision =
  | { readonly kind: 'append'; readonly undelete: boolean }
  | { readonly kind: 'repeat'; readonly last: StoredEvent }
  | { readonly kind: 'wrong_version' }
  | { readonly kind: 'deleted' };

const WRONG: AppendDecision = { kind: 'wrong_version' };
const DELETED: AppendDecision = { kind: 'deleted' };

export function decideAppend(
  view: AppendView,
  expected: number,
  events: readonly Identified[],
): AppendDecision {
  if (view.tombstoned) return DELETED;
  if (expected === Expected.streamExists) {
    if (view.softDeleted()) return DELETED;
    if (view.last < 0 && !view.hasMetadata()) return WRONG;
  }
  if (expected === Expected.any || expected === Expected.streamExists) return decideUnversioned(view, events);
  if (expected > view.last) return WRONG;
  if (expected === view.last) return { kind: 'append', undelete: view.softDeleted() };
  return decideBehind(view, expected, events);
}

function decideUnversioned(view: AppendView, events: readonly Identified[]): AppendDecision {
  let last: StoredEvent | undefined;
  for (const [i, { id }] of events.entries()) {
    const stored = view.recent(id);
    // Some events known and others new: EventStoreDB calls that a wrong version.
    if (stored === undefined) return i === 0 ? { kind: 'append', undelete: view.softDeleted() } : WRONG;
    last = stored;
  }
  return last === undefined ? { kind: 'append', undelete: view.softDeleted() } : { kind: 'repeat', last };
}

function decideBehind(view: AppendView, expected: number, events: readonly Identified[]): AppendDecision {
  let last: StoredEvent | undefined;
  for (const [i, { id }] of events.entries()) {
    const stored = view.at(expected + 1 + i, id);
    if (stored === undefined) {
      const recreates = i === 0 && expected === Expected.noStream && view.softDeleted();
      return recreates ? { kind: 'append', undelete: true } : WRONG;
    }
    last = stored;
  }
  return last === undefined ? WRONG : { kind: 'repeat', last };
}
