import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { afterEach, jest } from '@jest/globals';
import {
  type RunningEventStore,
  type StartEventStoreOptions,
  startEventStore,
} from '../../../src/adapters/embedded-event-store/start.js';

/** Each test starts processes; on a machine with other work they take their time. */
jest.setTimeout(40_000);

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Has something closed after the test, also when it fails. */
export function finallyDo(close: () => Promise<void> | void): void {
  closing.push(close);
}

/** An empty directory that goes away with the test. */
export function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'embedded-event-store-'));
  finallyDo(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A running node and a client of it, both gone after the test. */
export async function running(
  options: StartEventStoreOptions,
): Promise<{ node: RunningEventStore; client: EventStoreDBClient }> {
  const node = await startEventStore(options);
  finallyDo(() => node.stop());
  return { node, client: clientOf(node) };
}

/** A key and a certificate for localhost, PEM. */
export const TLS_KEY = path.join(import.meta.dirname, 'tls/test-only-key.pem');
export const TLS_CERT = path.join(import.meta.dirname, 'tls/test-only-cert.pem');

export const PROGRAM = path.join(import.meta.dirname, '../../../dist/adapters/embedded-event-store/main.js');

/** Runs the program to its end; answers with its line of JSON. */
export async function runProgram(
  ...args: string[]
): Promise<{ code: number; said: Record<string, unknown> }> {
  const outcome = await promisify(execFile)(process.execPath, [PROGRAM, ...args]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string }) => error,
  );
  return { code: outcome.code, said: JSON.parse(outcome.stdout) };
}

export function clientOf(node: RunningEventStore): EventStoreDBClient {
  const client = EventStoreDBClient.connectionString(node.connectionString);
  finallyDo(() => client.dispose());
  return client;
}

export const numbered = (number: number, filler = '') =>
  jsonEvent({ type: 'Numbered', data: { number, ...(filler === '' ? {} : { filler }) } });

/** The number of an event made by `numbered`. */
export function numberOf({ event }: ResolvedEvent): number {
  const data: unknown = event?.data;
  return typeof data === 'object' && data !== null && 'number' in data ? Number(data.number) : Number.NaN;
}

export async function collect(events: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> {
  const all: ResolvedEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** What of an event must be the same after a restart. */
export const essence = ({ event, commitPosition }: ResolvedEvent) => ({
  stream: event?.streamId,
  revision: event?.revision,
  id: event?.id,
  type: event?.type,
  data: event?.data,
  created: event?.created.getTime(),
  commitPosition,
});

/** The `code` or `type` of the error something ends with. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('it succeeded, but an error was expected');
  if ('type' in error && error.type !== undefined) return error.type;
  return 'code' in error ? error.code : error.message;
}

export const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => from + i);
