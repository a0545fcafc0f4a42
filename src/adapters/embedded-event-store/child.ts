/** The server's process, seen from the one that starts it: which program it runs and what it says until it is ready. */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** How long the server may take until it is ready; recovery of a log without index reads all of it. */
export const READY_TIMEOUT_MS = 120_000;
const PROGRAM = 'dist/adapters/embedded-event-store/main.js';

/** The server did not come up. `code` is its own (`directory_locked`, `log_truncated`, ...) or `not_ready`. */
export class EventStoreStartError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The line of a server that is ready. */
export interface Ready {
  readonly port: number;
  readonly pid: number;
  readonly connectionString: string;
}

/** Resolves with what the server says when it answers. Rejects with EventStoreStartError. */
export async function ready(child: ChildProcess, exited: Promise<Exit>): Promise<Ready> {
  const { stdout } = child;
  if (stdout === null) throw new EventStoreStartError('not_ready', 'the server has no standard output');
  return new Promise<Ready>((resolve, reject) => {
    const timeout = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new EventStoreStartError('not_ready', `the server was not ready after ${READY_TIMEOUT_MS} ms`));
    }, READY_TIMEOUT_MS);
    let refusal = new EventStoreStartError('not_ready', 'the server ended before it was ready');
    createInterface({ input: stdout }).on('line', (line) => {
      const said = parse(line);
      if (isReady(said)) {
        clearTimeout(timeout);
        resolve(said);
      } else if (typeof said === 'object' && said !== null && 'error' in said && 'message' in said) {
        refusal = new EventStoreStartError(String(said.error), String(said.message));
      }
    });
    child.once('error', (error) => {
      clearTimeout(timeout);
      reject(new EventStoreStartError('not_ready', error.message));
    });
    // 'close' comes after the last line was read; 'exit' may not.
    child.once('close', () => {
      clearTimeout(timeout);
      void exited.then(() => reject(refusal));
    });
  });
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const isReady = (said: unknown): said is Ready =>
  typeof said === 'object' &&
  said !== null &&
  'ready' in said &&
  'port' in said &&
  'connectionString' in said;

/** The compiled program of the package that this file is in, whether this file runs compiled or as source. */
export function programPath(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  const beside = join(directory, 'main.js');
  if (fs.existsSync(beside)) return beside;
  while (!fs.existsSync(join(directory, PROGRAM))) {
    const parent = dirname(directory);
    if (parent === directory) {
      throw new EventStoreStartError('not_built', `${PROGRAM} is missing: run npm run build`);
    }
    directory = parent;
  }
  return join(directory, PROGRAM);
}
