import type { DomainEvent } from '../../src/domain/decider.js';
import type { RecordedEvent } from '../../src/runtime/event-store.js';

const START = Date.parse('2026-01-15T12:00:00Z');

/** Recorded events written out by hand, one after the other, as a log would number them. */
export const createRecorder = () => {
  let position = 0n;
  const revisions = new Map<string, number>();
  return <Event extends DomainEvent>(
    category: string,
    streamId: string,
    event: Event,
    effectiveAt = '2026-01-15T11:00:00.000Z',
  ): RecordedEvent<Event> => {
    const stream = `${category}-${streamId}`;
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    position += 100n;
    return {
      event,
      id: `${position}`,
      stream,
      category,
      streamId,
      revision,
      position: { commit: position, prepare: position },
      recordedAt: new Date(START + Number(position)),
      metadata: {
        commandId: 'c',
        $correlationId: 'c',
        $causationId: 'c',
        actor: 'test',
        effectiveAt,
        schemaVersion: 1,
      },
    };
  };
};
