/**
 * The process between Holdfast and its embedded PostgreSQL. Its standard input is a pipe: when it closes, however the parent died,
 * the server is shut down; what comes through it (anything) says that the server has answered once. A server that dies by itself
 * is started again on its port.
 *
 *   running --(stdin closes | SIGTERM)--> stopping --(server has ended)--> exit 0
 *   running --(server ended)--> restarting --> running, or exit 1 after SHORT_LIVES_MAX_STARTS in a row that ended at once
 *                                              before any has ever answered; one that has is started for ever
 *
 * Runs from dist/, as the user of the parent; one argument: JSON of {@link GuardOrder}.
 */
import { type ChildProcess, spawn } from 'node:child_process';

export interface GuardOrder {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Enough for the backends of a killed server to let go of its shared memory; a wrong setting is given up on soon. */
const SHORT_LIVES_MAX_STARTS = 25;
const SHORT_LIFE_MS = 2_000;
const RESTART_DELAY_MS = 200;
/** What has worked waits for whatever keeps it from starting, a full disk above all, to pass. */
const RESTART_DELAY_MAX_MS = 2_000;
/** A fast shutdown writes a checkpoint; then an immediate one, which costs recovery at the next start; then force. */
const FAST_SHUTDOWN_MS = 20_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;

/** Standard error is the server's log: it may lie on the very disk whose being full is to be outlasted. */
const note = (line: string): void => {
  try {
    process.stderr.write(`guard: ${line}\n`);
  } catch {
    // Nobody else to tell.
  }
};

const guard = (order: GuardOrder): void => {
  let stopping = false;
  let server: ChildProcess | undefined;
  let shortLives = 0;
  let hasAnswered = false;

  const start = (): void => {
    const startedAt = Date.now();
    server = spawn(order.command, order.args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...order.env },
      ...(order.uid === undefined ? {} : { uid: order.uid }),
      ...(order.gid === undefined ? {} : { gid: order.gid }),
    });
    server.once('error', (error) => {
      note(`cannot run ${order.command}: ${error.message}`);
      process.exit(1);
    });
    server.once('exit', (code, signal) => {
      if (stopping) process.exit(0);
      note(`the server ended (${signal ?? code})`);
      shortLives = Date.now() - startedAt < SHORT_LIFE_MS ? shortLives + 1 : 0;
      if (!hasAnswered && shortLives >= SHORT_LIVES_MAX_STARTS) process.exit(1);
      const beyond = Math.max(0, shortLives - SHORT_LIVES_MAX_STARTS);
      setTimeout(
        () => {
          if (stopping) process.exit(0);
          start();
        },
        Math.min(RESTART_DELAY_MAX_MS, RESTART_DELAY_MS * 2 ** beyond),
      );
    });
  };

  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) process.exit(0);
    server.kill('SIGINT');
    setTimeout(() => server?.kill('SIGQUIT'), FAST_SHUTDOWN_MS);
    setTimeout(() => server?.kill('SIGKILL'), FAST_SHUTDOWN_MS + IMMEDIATE_SHUTDOWN_MS);
  };

  process.stdin.on('end', stop).on('close', stop).on('error', stop);
  process.stdin.on('data', () => {
    hasAnswered = true;
  });
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', stop);
  start();
};

process.stderr.on('error', () => undefined);
const argument = process.argv[2];
if (argument === undefined) {
  note('started without an order');
  process.exit(2);
}
guard(JSON.parse(argument) as GuardOrder);
