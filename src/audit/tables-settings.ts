import type { Channel } from '../domain/channel.js';
import type { LocationSettings } from '../domain/location.js';
import { type Cell, keyedCheck, lists, type TableCheck, texts } from './compare.js';
import type { Configured, LogFold } from './fold.js';
import { PLACE_COLUMNS, placeCells, textCell } from './tables-orders.js';

const policiesCell = ({ kind, shortage, handover, refunds }: Channel): Cell => {
  const text = JSON.stringify({ kind, shortage, handover, refunds });
  return text === '{}' ? null : text;
};

const channels = ({ channels: all }: LogFold): TableCheck =>
  keyedCheck<Configured<Channel>>({
    table: 'channels',
    key: texts('channel'),
    columns: [
      ...texts('name', 'time_zone'),
      ...lists('currencies', 'sources'),
      ...texts('confirm', 'expires_in_seconds', 'review', 'policies'),
      ...PLACE_COLUMNS,
    ],
    all: () => all.values(),
    find: ([id = '']) => all.get(id),
    keyOf: ({ id }) => [id],
    cellsOf: ({ settings, last }) => [
      textCell(settings.name),
      textCell(settings.timeZone),
      textCell(JSON.stringify(settings.currencies)),
      textCell(JSON.stringify(settings.sources)),
      settings.confirm,
      textCell(settings.expiresInSeconds),
      textCell(settings.review && JSON.stringify(settings.review)),
      policiesCell(settings),
      ...placeCells(last),
    ],
  });

const locations = ({ locations: all }: LogFold): TableCheck =>
  keyedCheck<Configured<LocationSettings>>({
    table: 'locations',
    key: texts('location'),
    columns: [...texts('name', 'country'), ...PLACE_COLUMNS],
    all: () => all.values(),
    find: ([id = '']) => all.get(id),
    keyOf: ({ id }) => [id],
    cellsOf: ({ settings, last }) => [
      textCell(settings.name),
      textCell(settings.country),
      ...placeCells(last),
    ],
  });

export const settingsTables = (fold: LogFold): TableCheck[] => [channels(fold), locations(fold)];
