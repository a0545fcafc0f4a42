import type { RecordAt } from '../log/log.js';
import { recordId, recordName, recordRevision } from '../log/record.js';
import type { AppendView, StoredEvent } from './append-decision.js';
import { metastreamOf } from './metadata.js';
import type { RecentIds } from './recent-ids.js';
import type { StreamState } from './stream-state.js';
import type { Streams } from './streams.js';

/** Finds records that are decided, durable or not. */
interface Records {
  recordAt(position: number): RecordAt;
}

/** What an append to a stream is decided on. */
export const viewOf = (
  state: StreamState,
  streams: Streams,
  recentIds: RecentIds,
  records: Records,
): AppendView => ({
  last: state.last,
  tombstoned: streams.isBeingTombstoned(state),
  softDeleted: () => streams.limits(state).softDeleted,
  hasMetadata: () => streams.get(metastreamOf(state.name)).last >= 0,
  recent: (id) => recentEvent(state, id, recentIds, records),
  at: (revision, id) => eventAt(state, revision, id, streams, records),
});

function recentEvent(
  state: StreamState,
  id: Buffer,
  recentIds: RecentIds,
  records: Records,
): StoredEvent | undefined {
  const position = recentIds.find(id, (candidate) => {
    const { bytes, at } = records.recordAt(candidate);
    return recordId(bytes, at).equals(id) && recordName(bytes, at) === state.name;
  });
  if (position === undefined) return undefined;
  const { bytes, at } = records.recordAt(position);
  return { revision: recordRevision(bytes, at), position };
}

function eventAt(
  state: StreamState,
  revision: number,
  id: Buffer,
  streams: Streams,
  records: Records,
): StoredEvent | undefined {
  if (revision > state.last) return undefined;
  const [position] = streams.positions(state, revision, revision);
  if (position === undefined) return undefined;
  const { bytes, at } = records.recordAt(position);
  return recordId(bytes, at).equals(id) ? { revision, position } : undefined;
}
