/**
 * What an event store must do for this system, one numbered case each. The tests beside this file prove them; the
 * page docs/guides/event-store-contract.md is made from this list and checked against it.
 */
export interface ContractCase {
  readonly id: string;
  readonly behaviour: string;
  /** The documentation or the server's code that the case stands for. */
  readonly source: keyof typeof SOURCES;
  /** Whether the case was seen to pass on EventStoreDB itself. */
  readonly verified: boolean;
}

export const SOURCES = {
  appending: 'https://developers.eventstore.com/clients/grpc/appending-events.html',
  reading: 'https://developers.eventstore.com/clients/grpc/reading-events.html',
  subscriptions: 'https://developers.eventstore.com/clients/grpc/subscriptions.html',
  deleting: 'https://developers.eventstore.com/clients/grpc/delete-stream.html',
  streams: 'https://developers.eventstore.com/server/v23.10/streams.html',
  idempotence:
    'https://developers.eventstore.com/server/v5/http-api/optional-http-headers/expected-version.html',
  connecting: 'https://developers.eventstore.com/clients/grpc/getting-started.html',
  checkCommit:
    'EventStore/EventStore src/EventStore.Core/Services/Storage/ReaderIndex/IndexWriter.cs (CheckCommit)',
  storageWriter: 'EventStore/EventStore src/EventStore.Core/Services/Storage/StorageWriterService.cs',
  indexReader: 'EventStore/EventStore src/EventStore.Core/Services/Storage/ReaderIndex/IndexReader.cs',
  allReader: 'EventStore/EventStore src/EventStore.Core/Services/Storage/ReaderIndex/AllReader.cs',
  appendGrpc: 'EventStore/EventStore src/EventStore.Core/Services/Transport/Grpc/Streams.Append.cs',
  batchGrpc: 'EventStore/EventStore src/EventStore.Core/Services/Transport/Grpc/Streams.BatchAppend.cs',
  readGrpc: 'EventStore/EventStore src/EventStore.Core/Services/Transport/Grpc/Streams.Read.cs',
  streamSubscription:
    'EventStore/EventStore src/EventStore.Core/Services/Transport/Enumerators/Enumerator.StreamSubscription.cs',
  filteredSubscription:
    'EventStore/EventStore src/EventStore.Core/Services/Transport/Enumerators/Enumerator.AllSubscriptionFiltered.cs',
  deletingNothing: 'https://github.com/kurrent-io/KurrentDB/pull/3154 (since 21.10)',
  errors: '@eventstore/db-client 6.2.1 dist/utils/CommandError.js',
  batchClient: '@eventstore/db-client 6.2.1 dist/streams/appendToStream/batchAppend.js',
  features: '@eventstore/db-client 6.2.1 dist/Client/ServerFeatures.js',
  discovery: '@eventstore/db-client 6.2.1 dist/Client/discovery.js',
} as const;

const c = (id: string, source: keyof typeof SOURCES, behaviour: string): ContractCase => ({
  id,
  behaviour,
  source,
  verified: false,
});

export const CASES: readonly ContractCase[] = [
  // Appending
  c('ES-001', 'appending', 'an append to a new stream answers with its last revision and its position'),
  c('ES-002', 'appending', 'with `any`, an append goes behind whatever is there'),
  c('ES-003', 'appending', 'with an exact revision, an append goes behind that revision'),
  c('ES-004', 'appending', 'with `stream_exists`, an append needs a stream that exists'),
  c(
    'ES-005',
    'errors',
    'with `no_stream`, an existing stream is a WrongExpectedVersion that names stream, expected and actual',
  ),
  c(
    'ES-006',
    'checkCommit',
    'a revision behind or ahead of the last is a WrongExpectedVersion with the actual one',
  ),
  c(
    'ES-007',
    'idempotence',
    'a batch sent again at its old expected revision succeeds with the old revision and position and writes nothing',
  ),
  c(
    'ES-008',
    'checkCommit',
    'a leading part of an old batch at its old expected revision succeeds with the revision of that part',
  ),
  c(
    'ES-009',
    'checkCommit',
    'an old batch with more behind it at its old expected revision is a WrongExpectedVersion',
  ),
  c(
    'ES-010',
    'checkCommit',
    'an old batch in another order at its old expected revision is a WrongExpectedVersion',
  ),
  c('ES-011', 'checkCommit', 'with `any`, a recent batch sent again succeeds and writes nothing'),
  c('ES-012', 'checkCommit', 'with `stream_exists`, a recent batch sent again succeeds and writes nothing'),
  c(
    'ES-013',
    'checkCommit',
    'with `any`, a batch that begins with a recent event and goes on with new ones is a WrongExpectedVersion',
  ),
  c('ES-014', 'checkCommit', 'the id of an event in another stream is a new event in this one'),
  c(
    'ES-015',
    'appending',
    'the events of one append have consecutive revisions and increasing positions; the answer has those of the last',
  ),
  c(
    'ES-016',
    'batchGrpc',
    'an append of more than 1,048,576 bytes is a MaximumAppendSizeExceeded with that limit and stores nothing',
  ),
  c('ES-017', 'batchGrpc', 'an append just below the limit is stored whole'),
  c('ES-018', 'appendGrpc', 'an append without events changes nothing and answers with the current revision'),
  c(
    'ES-019',
    'appending',
    'JSON and binary events come back as they were sent, with JSON or binary metadata or none',
  ),
  c('ES-020', 'reading', 'a recorded event has its id, type, revision, position and time of recording'),
  c('ES-021', 'streams', 'stream names, event types and data may be any Unicode'),
  c(
    'ES-022',
    'appendGrpc',
    'an append with credentials of its own goes through the unary call with the same answers',
  ),
  c('ES-023', 'errors', 'with `throwOnAppendFailure=false` a wrong version is an answer, not an error'),
  c(
    'ES-024',
    'batchGrpc',
    'an append whose deadline is over is refused as DeadlineExceeded and stores nothing',
  ),
  c('ES-025', 'batchClient', 'an append in many chunks is one append'),
  c('ES-026', 'appending', 'of two processes that append at the same revision exactly one succeeds'),
  c('ES-027', 'batchClient', '50,000 appends fired at once by one client all succeed'),
  c('ES-028', 'batchGrpc', 'a refused append leaves the others on the same connection alone'),
  c(
    'ES-029',
    'checkCommit',
    'appends of the same batch in flight at once store it once; those that are answered get the same answer',
  ),
  c('ES-030', 'errors', 'the unary call refuses a too large append as MaximumAppendSizeExceeded'),
  c(
    'ES-031',
    'checkCommit',
    'a repeat of events that stream metadata hides succeeds with the old revision and without a position',
  ),
  // Reading
  c('ES-040', 'reading', 'a stream is read forwards from its start'),
  c('ES-041', 'reading', 'a stream is read backwards from its end'),
  c('ES-042', 'reading', 'a forwards read from a revision includes it'),
  c('ES-043', 'reading', 'a backwards read from a revision includes it'),
  c('ES-044', 'reading', 'maxCount limits a read in both directions'),
  c('ES-045', 'indexReader', 'a forwards read from beyond the last revision is empty'),
  c('ES-046', 'indexReader', 'a backwards read from beyond the last revision begins at the last'),
  c('ES-047', 'reading', 'reading a stream that does not exist is a StreamNotFound that names it'),
  c('ES-048', 'allReader', 'a forwards read of `$all` from a position includes the event there'),
  c('ES-049', 'allReader', 'a backwards read of `$all` from a position begins before the event there'),
  c('ES-050', 'reading', 'a backwards read of `$all` from its end begins with the newest event'),
  c('ES-051', 'allReader', 'a forwards read of `$all` from its end is empty'),
  c('ES-052', 'reading', '`$all` has the events of all streams in the order in which they were appended'),
  c(
    'ES-053',
    'readGrpc',
    'a long stream of events of all sizes is read whole and in order, in both directions',
  ),
  c('ES-054', 'reading', 'with resolveLinkTos, a link comes with the event it points to'),
  c(
    'ES-055',
    'readGrpc',
    'with resolveLinkTos, a link to an event that is gone comes alone; without, links are events',
  ),
  c('ES-056', 'reading', 'a read that is given up half way leaves the connection usable'),
  c('ES-057', 'connecting', 'what one process has appended another process reads at once'),
  c('ES-058', 'connecting', '64 reads at once on one connection all end'),
  // Subscriptions
  c(
    'ES-070',
    'subscriptions',
    'a subscription to a stream goes from old to live events with none missed or doubled while others append',
  ),
  c('ES-071', 'streamSubscription', 'a subscription from a revision begins behind it'),
  c('ES-072', 'subscriptions', 'a subscription from the end of a stream gets only what is new'),
  c(
    'ES-073',
    'streamSubscription',
    'a subscription to a stream that does not exist yet gets its events when it does',
  ),
  c(
    'ES-074',
    'subscriptions',
    'a filtered subscription to `$all` goes from old to live events with none missed or doubled while others append',
  ),
  c('ES-075', 'filteredSubscription', 'a subscription to `$all` from a position begins behind it'),
  c('ES-076', 'subscriptions', 'a subscription from the end of `$all` gets only what is new'),
  c('ES-077', 'subscriptions', 'a filter takes several prefixes of stream names'),
  c('ES-078', 'subscriptions', 'a filter takes a pattern of stream names'),
  c('ES-079', 'subscriptions', 'a filter takes prefixes of event types'),
  c('ES-080', 'subscriptions', 'a filter takes a pattern of event types; excludeSystemEvents is one'),
  c('ES-081', 'filteredSubscription', 'checkpoints come at their interval also where nothing matches'),
  c('ES-082', 'subscriptions', 'going on from a checkpoint misses nothing and repeats nothing before it'),
  c('ES-083', 'filteredSubscription', 'caughtUp comes once the old events are through'),
  c('ES-084', 'subscriptions', 'a slow consumer gets everything in order and delays nobody else'),
  c(
    'ES-085',
    'subscriptions',
    'a subscription is confirmed with an id and ends quietly when it is unsubscribed',
  ),
  c(
    'ES-086',
    'streamSubscription',
    'a subscription to a stream ends with StreamDeleted when it is tombstoned',
  ),
  c('ES-087', 'subscriptions', '500 subscriptions over several connections all get the same events'),
  c('ES-088', 'subscriptions', 'a subscription without filter gets the events of all streams in order'),
  c('ES-089', 'streamSubscription', 'a subscription to a stream begins with what its metadata does not hide'),
  c(
    'ES-090',
    'subscriptions',
    'with resolveLinkTos, a subscription delivers a link with the event it points to',
  ),
  // Deleting and metadata
  c('ES-100', 'deleting', 'a deleted stream reads as StreamNotFound'),
  c(
    'ES-101',
    'streams',
    'an append to a deleted stream brings it back with going-on revisions and without its old events',
  ),
  c('ES-102', 'checkCommit', 'a deleted stream takes an append with `no_stream`, and with its last revision'),
  c('ES-103', 'checkCommit', 'a deleted stream refuses an append with `stream_exists` as StreamDeleted'),
  c('ES-104', 'deleting', 'deleting at a wrong revision is a WrongExpectedVersion and deletes nothing'),
  c('ES-105', 'deleting', 'a tombstoned stream refuses reads, appends and deletes as StreamDeleted'),
  c(
    'ES-106',
    'deleting',
    'tombstoning at a wrong revision is a WrongExpectedVersion; a name without stream can be tombstoned',
  ),
  c('ES-107', 'streams', 'a tombstone is a `$streamDeleted` event in `$all`; deleted events stay there'),
  c('ES-108', 'streams', 'stream metadata is set and read back: limits, access, own properties'),
  c('ES-109', 'streams', 'a stream without metadata has none, existing or not'),
  c('ES-110', 'streams', 'metadata is written at an expected revision like any stream'),
  c('ES-111', 'streams', '`$maxCount` hides all but the newest events of a stream, in both directions'),
  c('ES-112', 'streams', '`$tb` hides the events before a revision'),
  c('ES-113', 'streams', '`$maxAge` hides events when they are older, in both directions'),
  c(
    'ES-114',
    'indexReader',
    'a stream that has only metadata is StreamNotFound to readers but exists to `stream_exists`',
  ),
  c('ES-115', 'indexReader', 'a metadata stream shows only its newest event'),
  c('ES-116', 'streams', 'what stream metadata hides stays in `$all`'),
  c('ES-117', 'indexReader', 'the metadata of a tombstoned stream is StreamDeleted'),
  c('ES-118', 'storageWriter', 'deleting replaces the metadata that the stream had'),
  c(
    'ES-119',
    'storageWriter',
    'setting the metadata of a deleted stream brings the name back, not the old events',
  ),
  c('ES-120', 'indexReader', 'the strictest of `$maxCount`, `$tb` and `$maxAge` counts'),
  c(
    'ES-121',
    'deletingNothing',
    'deleting a stream that never was is a WrongExpectedVersion, also with `any`',
  ),
  // The server
  c('ES-130', 'features', 'the server says which methods it has, batchAppend among them'),
  c('ES-131', 'discovery', 'a client that discovers finds the node and works through it'),
  c('ES-132', 'errors', 'a call to a server that is not there is Unavailable'),
];
