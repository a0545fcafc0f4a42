import { createHash } from 'node:crypto';
import type { StoredEvent } from '../../../src/runtime/event-store.js';
import type { Violation } from '../history.js';
import { businessIdOf, factOf, text } from './raw-log.js';

/** What has been read once must be read again, the same, for ever. */
export class Remembered {
  #events = 0;
  #hash = '';

  check(log: readonly StoredEvent[]): Violation[] {
    const lost = log.length < this.#events || hashOf(log.slice(0, this.#events)) !== this.#hash;
    const violation = {
      code: 'log_changed',
      detail: `the first ${this.#events} events are not what they were`,
    };
    const found = this.#events > 0 && lost ? [violation] : [];
    this.#events = log.length;
    this.#hash = hashOf(log);
    return found;
  }
}

const hashOf = (log: readonly StoredEvent[]): string => {
  const hash = createHash('sha256');
  for (const { id, stream, revision, position } of log)
    hash.update(`${id} ${stream} ${revision} ${position.commit}\n`);
  return hash.digest('hex');
};

/** Each stream without a gap, each fact once, each command with a key in one place. */
export const checkOnce = (log: readonly StoredEvent[]): Violation[] => {
  const found: Violation[] = [];
  const revisions = new Map<string, number>();
  const ids = new Set<string>();
  const facts = new Set<string>();
  const commands = new Map<string, { stream: string; revision: number }>();
  let position = -1n;
  for (const event of log) {
    const { id, stream, revision, type, metadata } = event;
    if (event.position.commit < position)
      found.push({ code: 'log_disordered', detail: `${stream}@${revision}` });
    position = event.position.commit;
    const expected = (revisions.get(stream) ?? -1) + 1;
    if (revision !== expected)
      found.push({ code: 'stream_gap', detail: `${stream}@${revision}, not @${expected}` });
    revisions.set(stream, revision);
    if (ids.has(id)) found.push({ code: 'event_twice', detail: `${stream}@${revision} ${id}` });
    ids.add(id);
    const businessId = businessIdOf(event);
    if (businessId !== undefined) {
      const fact = factOf(stream, type, businessId);
      if (facts.has(fact)) found.push({ code: 'applied_twice', detail: `${fact} again @${revision}` });
      facts.add(fact);
    }
    if (typeof metadata.requestHash === 'string') {
      const command = text(metadata.commandId);
      const known = commands.get(command);
      if (known !== undefined && (known.stream !== stream || known.revision + 1 !== revision)) {
        found.push({
          code: 'command_twice',
          detail: `${command} at ${stream}@${revision} and ${known.stream}@${known.revision}`,
        });
      }
      commands.set(command, { stream, revision });
    }
  }
  return found;
};
