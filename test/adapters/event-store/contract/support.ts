import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type EventData, EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { afterAll, afterEach, beforeAll, test } from '@jest/globals';
import {
  type RunningEventStore,
  startEventStore,
} from '../../../../src/adapters/embedded-event-store/start.js';
import { CASES } from './cases.js';

/** A busy machine is slow, not wrong: this only ends what hangs. */
const CASE_TIMEOUT_MS = 60_000;

/** What a case works with. Nothing in it is shared with other cases but the server. */
export interface Contract {
  readonly url: string;
  readonly client: EventStoreDBClient;
  /** Begins the name of every stream of this case; no dash in it. */
  readonly prefix: string;
  /** A stream of this case. */
  stream(name?: string): string;
  /** A client in a process of its own. */
  process(): Promise<ClientProcess>;
  /** Has something closed after the case, also when it fails. */
  finally(close: () => Promise<void>): void;
}

let url = process.env.EVENTSTORE_URL ?? '';
let node: RunningEventStore | undefined;
let dir: string | undefined;
let client: EventStoreDBClient;
const closing: (() => Promise<void>)[] = [];

/** Call once per file: takes the server at EVENTSTORE_URL, or starts a node for the file. */
export function useEventStore(): void {
  beforeAll(async () => {
    if (process.env.EVENTSTORE_URL === undefined) {
      if (process.env.CONTRACT_ON_DISK !== undefined)
        dir = fs.mkdtempSync(path.join(os.tmpdir(), 'contract-'));
      node = await startEventStore(dir === undefined ? { inMemory: true } : { dir });
      url = node.connectionString;
    }
    client = EventStoreDBClient.connectionString(url);
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close().catch(() => undefined);
  });
  afterAll(async () => {
    await client.dispose();
    await node?.stop();
    if (dir !== undefined) fs.rmSync(dir, { recursive: true, force: true });
  });
}

/** One case of the contract, named as in the list. */
export function contract(
  id: string,
  run: (contract: Contract) => Promise<void>,
  timeoutMs = CASE_TIMEOUT_MS,
): void {
  const found = CASES.find((one) => one.id === id);
  if (found === undefined) throw new Error(`${id} is not in cases.ts`);
  test(
    `${id} ${found.behaviour}`,
    async () => {
      const prefix = `contract${randomBytes(6).toString('hex')}`;
      await run({
        url,
        client,
        prefix,
        stream: (name = 'stream') => `${prefix}-${name}`,
        process: async () => {
          const started = await ClientProcess.start(url);
          closing.push(() => started.close());
          return started;
        },
        finally: (close) => void closing.push(close),
      });
    },
    timeoutMs,
  );
}

/** An event whose number says which one it is. */
export const numbered = (number: number, extra: Record<string, unknown> = {}) =>
  jsonEvent({ id: randomUUID(), type: 'Numbered', data: { number, ...extra } });

export const numberedFrom = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => numbered(from + i));

/** The numbers of events made by `numbered`. */
export const numbersOf = (events: readonly ResolvedEvent[]): number[] => events.map(numberOf);

export function numberOf({ event }: ResolvedEvent): number {
  const data: unknown = event?.data;
  return typeof data === 'object' && data !== null && 'number' in data ? Number(data.number) : Number.NaN;
}

export const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

export async function collect(events: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> {
  const all: ResolvedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The error something ends with; fails when it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error)) throw new Error('it succeeded, but an error was expected');
  return Object.assign(Object.create(null), outcome, { message: outcome.message });
}

export interface Following {
  on(event: string, listener: (...args: never[]) => void): unknown;
  unsubscribe(): Promise<void>;
}

/** Collects what a subscription delivers and waits for it. */
export class Collector {
  readonly events: ResolvedEvent[] = [];
  error: (Error & { type?: string; streamName?: string }) | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(subscription: Following, contract: Contract) {
    subscription.on('data', (event: ResolvedEvent) => {
      this.events.push(event);
      this.#changed();
    });
    subscription.on('error', (error: Error) => {
      this.error = error;
      this.#changed();
    });
    contract.finally(() => subscription.unsubscribe());
  }

  /** Resolves when `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        setTimeout(resolve, 50);
      });
    }
  }

  async count(count: number): Promise<ResolvedEvent[]> {
    await this.until(() => this.events.length >= count || this.error !== undefined);
    if (this.error !== undefined) throw this.error;
    return this.events;
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Resolves at the first `name` event of a subscription. */
export async function emitted(subscription: Following, name: string): Promise<void> {
  await new Promise<void>((resolve) => subscription.on(name, () => resolve()));
}

/** A client in another process, told what to do by lines of JSON. */
export class ClientProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout === null) throw new Error('no output');
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  static async start(url: string): Promise<ClientProcess> {
    const script = path.join(import.meta.dirname, 'client-process.mjs');
    const child = spawn(process.execPath, [script, url], { stdio: ['pipe', 'pipe', 'inherit'] });
    const started = new ClientProcess(child);
    await started.#answer();
    return started;
  }

  /** Appends events numbered `from` on, one append each; answers with how many succeeded. */
  async append(stream: string, from: number, count: number, mode: 'any' | 'exact' = 'any'): Promise<number> {
    return Number(await this.#ask({ do: 'append', stream, from, count, mode }));
  }

  /** Reads a stream's numbers. */
  async read(stream: string): Promise<unknown> {
    return this.#ask({ do: 'read', stream });
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
  }

  async #ask(command: Record<string, unknown>): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error('the client process ended');
    const answer: unknown = JSON.parse(value);
    if (typeof answer === 'object' && answer !== null && 'error' in answer)
      throw new Error(String(answer.error));
    return answer;
  }
}

export type { EventData };
