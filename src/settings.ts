import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * Every setting there is. Read from environment variables; the defaults run everything embedded. The settings page
 * (docs/settings.md) is printed from this schema by `holdfast settings`.
 */
const port = z.coerce.number().int().min(0).max(65_535);

export const ROLES = ['api', 'processes', 'projections'] as const;
export type Role = (typeof ROLES)[number];

const settingsSchema = z.object({
  HOLDFAST_DATA_DIR: z
    .string()
    .min(1)
    .default('.holdfast')
    .describe('Directory of everything embedded: the log, PostgreSQL, the endpoint file.'),
  HOLDFAST_NAMESPACE: z
    .string()
    .regex(/^[a-zA-Z0-9_.]{0,40}$/, 'letters, digits, _ and . only')
    .default('')
    .describe('Put before every stream name, so that many can share one event store.'),
  EVENTSTORE_URL: z
    .string()
    .regex(/^esdb(\+discover)?:\/\//, 'an esdb:// connection string')
    .optional()
    .describe('Connection string of an EventStoreDB or KurrentDB; the embedded event store when absent.'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'a postgres:// connection string')
    .optional()
    .describe('Connection string of a PostgreSQL 15 or later; the embedded one when absent.'),
  REDIS_URL: z
    .string()
    .regex(/^rediss?:\/\//, 'a redis:// connection string')
    .optional()
    .describe(
      'Connection string of a Redis 7 or later, for rate limits shared between API processes and for waking readers that wait (`?after=`); none when absent.',
    ),
  HOLDFAST_VAULT_KEY_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the master key of the vault for personal data: 32 random bytes in base64, older keys on the lines below it. With the embedded PostgreSQL it is `vault.key` in the data directory, made once; with `DATABASE_URL` and without it the vault is closed.',
    ),
  HOLDFAST_HOST: z.string().min(1).default('127.0.0.1').describe('Address the API listens on.'),
  HOLDFAST_PORT: port.default(8080).describe('Port the API listens on; 0 takes a free one.'),
  HOLDFAST_MONITOR_PORT: port
    .optional()
    .describe(
      'Port of a second listener, in a process of any role, with `/livez`, `/readyz` and `/metrics` without a key; 0 takes a free one, none when absent.',
    ),
  HOLDFAST_ROLES: z
    .string()
    .default(ROLES.join(','))
    .transform((list) => list.split(',').map((role) => role.trim()))
    .pipe(z.array(z.enum(ROLES)).min(1))
    .describe('What this process does: api, processes, projections, separated by commas.'),
  HOLDFAST_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('How much is logged.'),
  HOLDFAST_REQUESTS_PER_SECOND: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(5_000)
    .describe('Requests that one API key may make in a second before it is told to wait (429).'),
  HOLDFAST_ORDER_WAIT_MS: z.coerce
    .number()
    .int()
    .min(0)
    .max(60_000)
    .default(5_000)
    .describe('How long a new order may take before its channel gets 202 and asks again, in milliseconds.'),
  HOLDFAST_TRIAL_PAYMENTS: z
    .enum(['on', 'off'])
    .default('off')
    .describe(
      'Whether payments can be asked of the provider `trial`, which moves no money: it would confirm orders that nobody has paid, so for trials only.',
    ),
});

export interface Settings {
  readonly dataDir: string;
  readonly namespace: string;
  readonly eventStoreUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly vaultKeyFile: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly monitorPort: number | undefined;
  readonly roles: readonly Role[];
  readonly logLevel: string;
  readonly requestsPerSecond: number;
  readonly orderWaitMs: number;
  readonly trialPayments: boolean;
}

export class InvalidSettings extends Error {
  readonly code = 'invalid_settings';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Connection strings hold passwords, so each may be in a file instead, which `{name}_FILE` names. */
const SECRETS: ReadonlySet<string> = new Set(['EVENTSTORE_URL', 'DATABASE_URL', 'REDIS_URL']);
const fileOf = (name: string): string => `${name}_FILE`;

/** An empty variable counts as absent. */
const variable = (environment: Environment, name: string): string | undefined => {
  const value = environment[name] || undefined;
  const file = SECRETS.has(name) ? environment[fileOf(name)] || undefined : undefined;
  if (file === undefined) return value;
  if (value !== undefined) throw new InvalidSettings(`give ${name} or ${fileOf(name)}, not both`);
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (cause) {
    throw new InvalidSettings(`${fileOf(name)}: ${file} cannot be read`, { cause });
  }
};

/** Settings from the environment; throws {@link InvalidSettings} naming each variable that is wrong. */
export const readSettings = (environment: Environment): Settings => {
  const known = Object.keys(settingsSchema.shape);
  const given = Object.fromEntries(known.map((name) => [name, variable(environment, name)]));
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new InvalidSettings(problems.join('; '));
  }
  const { data } = parsed;
  return {
    dataDir: data.HOLDFAST_DATA_DIR,
    namespace: data.HOLDFAST_NAMESPACE,
    eventStoreUrl: data.EVENTSTORE_URL,
    databaseUrl: data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    vaultKeyFile: data.HOLDFAST_VAULT_KEY_FILE,
    host: data.HOLDFAST_HOST,
    port: data.HOLDFAST_PORT,
    monitorPort: data.HOLDFAST_MONITOR_PORT,
    roles: data.HOLDFAST_ROLES,
    logLevel: data.HOLDFAST_LOG_LEVEL,
    requestsPerSecond: data.HOLDFAST_REQUESTS_PER_SECOND,
    orderWaitMs: data.HOLDFAST_ORDER_WAIT_MS,
    trialPayments: data.HOLDFAST_TRIAL_PAYMENTS === 'on',
  };
};

/** Names of all variables that are read. */
export const settingNames: readonly string[] = Object.keys(settingsSchema.shape).flatMap((name) =>
  SECRETS.has(name) ? [name, fileOf(name)] : [name],
);

/** The settings page in Markdown. */
export const settingsPage = (): string => {
  const defaults = settingsSchema.safeParse({}).data ?? {};
  const rows = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const value = Object.entries(defaults).find(([key]) => key === name)?.[1];
    return `| \`${name}\` | ${value === undefined || value === '' ? '' : `\`${String(value)}\``} | ${schema.description ?? ''} |`;
  });
  return [
    '# Settings',
    '',
    'Printed by `holdfast settings` from the schema in `src/settings.ts`; a test fails when this page differs.',
    '',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
    `A connection string holds a password, so it may be in a file instead: ${[...SECRETS].map((name) => `\`${fileOf(name)}\``).join(', ')} name`,
    'one (a Docker or Kubernetes secret). An empty variable counts as absent.',
    '',
  ].join('\n');
};
