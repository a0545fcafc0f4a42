/** Tables of the machinery. Positions are EventStoreDB's signed 64-bit ones, so `bigint` holds them. */
export const sql = `
CREATE SCHEMA IF NOT EXISTS read_model;

-- How far a set of projections has read the log. One row per set; 'live' is the one people read.
CREATE TABLE runtime.checkpoints (
  name              text PRIMARY KEY,
  epoch             bigint NOT NULL,
  commit_position   bigint NOT NULL DEFAULT 0,
  prepare_position  bigint NOT NULL DEFAULT 0,
  -- The last event delivered, which is where the log must still reach; the position may be further.
  event_commit      bigint NOT NULL DEFAULT 0,
  event_prepare     bigint NOT NULL DEFAULT 0,
  event_recorded_at timestamptz,
  -- Raised by every rebuild: positions of two generations do not compare.
  generation        integer NOT NULL DEFAULT 1,
  -- Raised by every change of the parked streams that the runner did not make itself.
  parked_revision   integer NOT NULL DEFAULT 0,
  updated_at        timestamptz NOT NULL DEFAULT now()
);

-- Which projections the tables in read_model were built by.
CREATE TABLE runtime.projections (
  name       text PRIMARY KEY,
  version    integer NOT NULL,
  tables     text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE runtime.leases (
  name       text PRIMARY KEY,
  epoch      bigint NOT NULL,
  holder     text NOT NULL,
  expires_at timestamptz NOT NULL
);

-- Events that could not be applied, and those of their stream behind them. json, not jsonb: it keeps any text.
CREATE TABLE runtime.parked_events (
  stream           text NOT NULL,
  revision         bigint NOT NULL,
  event_id         text NOT NULL,
  type             text NOT NULL,
  data             json,
  metadata         json NOT NULL,
  commit_position  bigint NOT NULL,
  prepare_position bigint NOT NULL,
  recorded_at      timestamptz NOT NULL,
  -- Null for an event that only waits behind the one that failed.
  error            text,
  parked_at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, revision)
);

-- The log that this database was built from.
CREATE TABLE runtime.log_identity (
  only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  log_id        text NOT NULL,
  remembered_at timestamptz NOT NULL DEFAULT now()
);

-- States of long streams. A cache: any row may be deleted at any time.
CREATE TABLE runtime.snapshots (
  stream           text NOT NULL,
  decider_version  integer NOT NULL,
  revision         bigint NOT NULL,
  commit_position  bigint NOT NULL,
  prepare_position bigint NOT NULL,
  state            json NOT NULL,
  taken_at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (stream, decider_version)
);

CREATE TABLE runtime.api_keys (
  id         text PRIMARY KEY,
  hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
  role       text NOT NULL,
  channel    text,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz
);
`;
