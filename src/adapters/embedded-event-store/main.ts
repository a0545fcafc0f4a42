/**
 * The program: runs a server, checks a log, or copies one.
 *
 *     main.js --dir DIR | --in-memory [--host 127.0.0.1] [--port 0] [--user U --password P]
 *             [--tls-key FILE --tls-cert FILE] [--exit-with-parent]
 *     main.js --verify DIR
 *     main.js --backup DIR --to DIR
 *
 * Ready, it prints one line of JSON on standard output; everything else goes to standard error. Exit codes: 0 done,
 * 1 failed (with a line of JSON that has `error` and `message`), 2 wrong usage.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { backup } from './backup.js';
import { startServer } from './server/event-store-server.js';
import { verify } from './verify.js';

const USAGE = `usage: --dir DIR | --in-memory [--host H] [--port N] [--user U --password P]
         [--tls-key FILE --tls-cert FILE] [--exit-with-parent]
       --verify DIR
       --backup DIR --to DIR`;

const log = (message: string): void => void process.stderr.write(`event store: ${message}\n`);
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

function fail(code: number, error: string, message: string): never {
  print({ error, message });
  process.exit(code);
}

function usage(message: string): never {
  log(message);
  log(USAGE);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        dir: { type: 'string' },
        'in-memory': { type: 'boolean', default: false },
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '0' },
        user: { type: 'string' },
        password: { type: 'string' },
        'tls-key': { type: 'string' },
        'tls-cert': { type: 'string' },
        'exit-with-parent': { type: 'boolean', default: false },
        verify: { type: 'string' },
        backup: { type: 'string' },
        to: { type: 'string' },
      },
    }).values;
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error));
  }
}

const given = options();

async function tls() {
  const { 'tls-key': key, 'tls-cert': cert } = given;
  if (key === undefined && cert === undefined) return undefined;
  if (key === undefined || cert === undefined) usage('--tls-key and --tls-cert come together');
  return { key: await readFile(key), cert: await readFile(cert) };
}

async function serve(): Promise<void> {
  const { dir, host, user } = given;
  // Not on the command line, where every user of the machine could read it, is also possible.
  const password = given.password ?? (user === undefined ? undefined : process.env.EVENT_STORE_PASSWORD);
  const port = Number(given.port);
  if ((dir === undefined) === !given['in-memory']) usage('exactly one of --dir and --in-memory');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) usage('--port is a number from 0 to 65535');
  if ((user === undefined) !== (password === undefined)) usage('--user and --password come together');
  const server = await startServer({
    directory: dir,
    host,
    port,
    credentials: user === undefined || password === undefined ? undefined : { user, password },
    tls: await tls(),
    log,
  });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(1, 'stop_failed', error instanceof Error ? error.message : String(error)),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (given['exit-with-parent']) {
    // The parent holds the other end: when it dies, however it dies, this end is closed.
    process.stdin.resume();
    process.stdin.on('end', stop);
    process.stdin.on('error', stop);
  }
  print({
    ready: true,
    port: server.port,
    pid: process.pid,
    connectionString: `esdb://${host}:${server.port}?tls=${given['tls-key'] !== undefined}`,
  });
}

async function main(): Promise<void> {
  if (given.verify !== undefined) print(await verify(given.verify));
  else if (given.backup !== undefined) {
    if (given.to === undefined) usage('--backup needs --to');
    print(await backup(given.backup, given.to));
  } else await serve();
}

main().catch((error: unknown) => {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'failed';
  fail(1, code.toLowerCase(), error instanceof Error ? error.message : String(error));
});
