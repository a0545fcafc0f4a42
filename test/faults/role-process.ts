import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Role } from '../../src/settings.js';
import type { Link } from './link.js';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const PRELOAD = new URL('./preload.mjs', import.meta.url).href;
const LINES_KEPT = 40;
/** A start may fail while what it needs is away; its supervisor tries again. */
const RESTART_PAUSE_MS = 300;
const CLEAN_STOP_MAX_MS = 30_000;

export interface RoleProcessOptions {
  readonly name: string;
  readonly role: Role;
  /** Of the API; 0 for others. */
  readonly port: number;
  readonly eventStore: Link;
  readonly database: Link;
  /** Undefined where the house has none. */
  readonly redis: Link | undefined;
  readonly databaseUrl: string;
  readonly dataDir: string;
  readonly clockFile: string;
  /** It ended, nobody killed it, and it had been ready: a supervisor restarts it, but it should not have. */
  readonly onDeath: (process: RoleProcess, code: number | null) => void;
}

/** One `holdfast serve --roles <role>` and its supervisor: whatever ends it, it is started again until `shutDown`. */
export class RoleProcess {
  #child: ChildProcess | undefined;
  #expected = true;
  #closing = false;
  #ready = false;
  #lines: string[] = [];
  #loop: Promise<void> | undefined;
  #hold: Promise<void> = Promise.resolve();

  constructor(readonly options: RoleProcessOptions) {}

  get name(): string {
    return this.options.name;
  }
  get role(): Role {
    return this.options.role;
  }
  get pid(): number | undefined {
    return this.#child?.pid;
  }
  get ready(): boolean {
    return this.#ready;
  }
  get lastLines(): readonly string[] {
    return this.#lines;
  }

  start(): void {
    this.#loop ??= this.#supervise();
  }

  signal(signal: NodeJS.Signals): void {
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT' && signal !== 'SIGUSR2') this.#expected = true;
    this.#child?.kill(signal);
  }

  /** Ends it with `signal`; resolves when it is gone. The next one is not started before `until` resolves. */
  async end(signal: 'SIGKILL' | 'SIGTERM', until: Promise<void> = Promise.resolve()): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#hold = until;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    this.signal(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), CLEAN_STOP_MAX_MS);
    await gone;
    clearTimeout(late);
  }

  async shutDown(): Promise<void> {
    this.#closing = true;
    this.#hold = Promise.resolve();
    this.signal('SIGCONT');
    await this.end('SIGKILL');
    await this.#loop;
  }

  async #supervise(): Promise<void> {
    while (!this.#closing) {
      const code = await this.#run();
      await this.#hold;
      if (this.#closing) return;
      if (code !== 0) await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
    }
  }

  async #run(): Promise<number | null> {
    const { role, port, eventStore, database, redis, databaseUrl, dataDir, clockFile, onDeath } =
      this.options;
    const url = new URL(databaseUrl);
    url.port = String(database.port);
    const child = spawn(
      process.execPath,
      ['--import', PRELOAD, PROGRAM, 'serve', '--roles', role, '--port', String(port)],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          EVENTSTORE_URL: `esdb://127.0.0.1:${eventStore.port}?tls=false`,
          DATABASE_URL: url.toString(),
          ...(redis === undefined ? {} : { REDIS_URL: `redis://127.0.0.1:${redis.port}` }),
          HOLDFAST_DATA_DIR: dataDir,
          HOLDFAST_LOG_LEVEL: 'warn',
          HOLDFAST_REQUESTS_PER_SECOND: '100000',
          HOLDFAST_TRIAL_PAYMENTS: 'on',
          FAULTS_CLOCK: clockFile,
        },
      },
    );
    this.#child = child;
    this.#expected = false;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (line.startsWith('roles:')) this.#ready = true;
        this.#lines.push(line.slice(0, 600));
        if (this.#lines.length > LINES_KEPT) this.#lines.shift();
      });
    }
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
    if (this.#ready && !this.#expected && !this.#closing) onDeath(this, code);
    this.#ready = false;
    return code;
  }
}
