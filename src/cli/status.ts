import type { Command } from 'commander';
import { allProjections } from '../projections/index.js';
import { readCheckpoint } from '../runtime/checkpoint.js';
import { projectionChanges } from '../runtime/projection-tables.js';
import { readStandbySets, standbyLine } from './status-sets.js';
import { withHouse } from './with-house.js';

interface LeaseRow {
  readonly name: string;
  readonly holder: string;
  readonly held: boolean;
}

export const registerStatus = (program: Command): void => {
  program
    .command('status')
    .description('where the log and the read models are, who runs what, what is parked')
    .option('--json', 'as JSON', false)
    .action(({ json }: { json: boolean }) =>
      withHouse({}, async ({ db, store, logId, services }) => {
        const [end, live, changes = [], standby, poster, leases, parked] = await Promise.all([
          store.readEnd(),
          readCheckpoint(db),
          projectionChanges(db, allProjections),
          readStandbySets(db, allProjections),
          readCheckpoint(db, 'poster'),
          db.query<LeaseRow>(
            'SELECT name, holder, expires_at > clock_timestamp() AS held FROM runtime.leases ORDER BY name',
          ),
          db.query<{ streams: bigint }>('SELECT count(DISTINCT stream) AS streams FROM parked_events'),
        ]);
        const behind = live?.eventRecordedAt === undefined ? null : live.eventRecordedAt.toISOString();
        const status = {
          logId,
          attached: services.attached,
          logEnd: end?.commit.toString() ?? null,
          projections: {
            position: live?.position.commit.toString() ?? null,
            caughtUp: end === undefined || (live !== undefined && live.position.commit >= end.commit),
            lastEventRecordedAt: behind,
            readModels: allProjections.map(({ name, version }) => `${name}@${version}`),
            changes,
            parkedStreams: Number(parked.rows[0]?.streams ?? 0n),
          },
          standby,
          poster: { position: poster?.position.commit.toString() ?? null },
          leases: leases.rows.map(({ name, holder, held }) => ({ name, holder: held ? holder : null })),
        };
        if (json) process.stdout.write(`${JSON.stringify(status, null, 2)}\n`);
        else {
          const lines = [
            `log            ${status.logId}, ends at ${status.logEnd ?? 'nothing'}`,
            `read models    at ${status.projections.position ?? 'nothing'}, ${status.projections.caughtUp ? 'caught up' : 'behind'}, last event of ${behind ?? 'never'}`,
            ...(changes.length === 0 ? [] : [`               of another version (${changes.join(', ')})`]),
            `parked         ${status.projections.parkedStreams} streams`,
            ...standby.map(standbyLine),
            `ledger         at ${status.poster.position ?? 'nothing'}`,
            ...status.leases.map(({ name, holder }) => `lease          ${name}: ${holder ?? 'free'}`),
          ];
          process.stdout.write(`${lines.join('\n')}\n`);
        }
      }),
    );
};
