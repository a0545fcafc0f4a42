import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { CASES, SOURCES } from './cases.js';

const PAGE = path.join(import.meta.dirname, '../../../../docs/guides/event-store-contract.md');

const HEAD = `# The event store contract

What this system needs from an event store, case by case. The tests are in \`test/adapters/event-store/contract\`; they run
against the server that \`EVENTSTORE_URL\` names, or else against an embedded node that each file starts:

    npm run build && npm run jest -- test/adapters/event-store/contract
    EVENTSTORE_URL=esdb://127.0.0.1:2113?tls=false npm run jest -- test/adapters/event-store/contract
    CONTRACT_ON_DISK=1 npm run jest -- test/adapters/event-store/contract     # the embedded node keeps its log on disk

Every case works in streams of its own, so a shared server may hold anything else. "Verified" says whether the case was
seen to pass on EventStoreDB 23.10 itself; until then its source is what stands behind it.

This page is made from \`cases.ts\`: \`UPDATE_CONTRACT=1 npm run jest -- test/adapters/event-store/contract/table\`.
`;

function page(): string {
  const rows = CASES.map(
    ({ id, behaviour, source, verified }) =>
      `| ${id} | ${behaviour} | ${source} | ${verified ? 'yes' : 'no'} |`,
  );
  const sources = Object.entries(SOURCES).map(([key, where]) => `- **${key}**: ${where}`);
  return [
    HEAD,
    '| number | behaviour | source | verified on a real server |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Sources',
    '',
    ...sources,
    '',
  ].join('\n');
}

test('the page lists exactly the cases', () => {
  if (process.env.UPDATE_CONTRACT !== undefined) fs.writeFileSync(PAGE, page());
  expect(fs.readFileSync(PAGE, 'utf8')).toBe(page());
});

test('numbers are unique and in order', () => {
  const ids = CASES.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)].sort());
});

test('every case has exactly one test', () => {
  const files = fs.readdirSync(import.meta.dirname).filter((name) => name.endsWith('.int.test.ts'));
  const text = files.map((name) => fs.readFileSync(path.join(import.meta.dirname, name), 'utf8')).join('\n');
  const tested = [...text.matchAll(/contract\(\s*'(ES-\d+)'/g)].map(([, id]) => id);
  expect(tested.sort()).toEqual(CASES.map(({ id }) => id));
});
