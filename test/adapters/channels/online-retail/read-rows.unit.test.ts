import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readPlan } from '../../../../src/adapters/channels/online-retail/plan.js';
import { MAX_LINE_BYTES, readRows } from '../../../../src/adapters/channels/online-retail/read-rows.js';
import {
  type BadRow,
  COLUMNS,
  isBadRow,
  MAX_DESCRIPTION_CHARS,
  type Row,
} from '../../../../src/adapters/channels/online-retail/row.js';

const QUIRKS = fileURLToPath(new URL('./quirks.csv', import.meta.url));
const HEADER = COLUMNS.join(',');
const GOOD = '1,22423,STAND,1,2011-06-01 12:00:00,1.5,17850.0,EIRE';

describe('reading the file', () => {
  let directory: string;
  const write = (content: string | Buffer): string => {
    const path = join(directory, 'file.csv');
    writeFileSync(path, content);
    return path;
  };
  const read = async (content: string | Buffer): Promise<(Row | BadRow)[]> => {
    const rows: (Row | BadRow)[] = [];
    for await (const row of readRows(write(content))) rows.push(row);
    return rows;
  };
  const lines = (...rows: string[]): string => `${[HEADER, ...rows].join('\n')}\n`;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-import-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('gives typed rows with the local time and its instant', async () => {
    expect(await read(lines('536365,85123A,"A ""T"", B",6,2011-06-01 08:26:00,2.550,17850.0,EIRE'))).toEqual([
      {
        row: 1,
        invoice: '536365',
        letter: '',
        sku: '85123A',
        description: 'A "T", B',
        quantity: 6,
        at: '2011-06-01T08:26:00',
        instant: '2011-06-01T07:26:00.000Z',
        unitPrice: '2.55',
        customer: '17850',
        country: 'EIRE',
      },
    ]);
  });

  test('reads gzip and plain alike, whatever the file is called', async () => {
    const plain = readFileSync(QUIRKS);
    const rows = await read(plain);
    expect(rows).toHaveLength(21);
    expect(await read(gzipSync(plain))).toEqual(rows);
  });

  test('reads CRLF, mixed line ends, a byte order mark, blank lines and a last line without end alike', async () => {
    const expected = await read(lines(GOOD, GOOD, GOOD));
    expect(expected.map((row) => isBadRow(row))).toEqual([false, false, false]);
    expect(await read(`\uFEFF${HEADER}\r\n${GOOD}\r\n\r\n${GOOD}\n${GOOD}`)).toEqual(expected);
  });

  test('joins lines that a read of the file cut in two', async () => {
    const count = 20_000;
    const rows = await read(
      lines(...Array.from({ length: count }, (_, index) => GOOD.replace('1', `${index}`))),
    );
    expect(rows.filter((row) => isBadRow(row))).toEqual([]);
    expect(rows.map((row) => row.invoice)).toEqual(Array.from({ length: count }, (_, index) => `${index}`));
  });

  test('loses one row to a quote that is never closed, and none behind it', async () => {
    const rows = await read(lines(GOOD, '1,22423,"STAND,1,2011-06-01 12:00:00,1.5,,EIRE', GOOD, GOOD));
    expect(rows.map((row) => (isBadRow(row) ? row.reason : row.row))).toEqual([1, 'unreadable_record', 3, 4]);
  });

  test('loses one row to an open quote that a later row happens to close', async () => {
    const open = '1,22423,"STAND,1,2011-06-01 12:00:00,1.5,,EIRE';
    const quoted = '1,22423,"STAND, BIG",1,2011-06-01 12:00:00,1.5,,EIRE';
    const rows = await read(lines(GOOD, open, quoted, GOOD));
    expect(rows.map((row) => (isBadRow(row) ? row.reason : row.row))).toEqual([1, 'unreadable_record', 3, 4]);
  });

  test('loses one row to an endless line, in bounded memory, and none behind it', async () => {
    const endless = 'x'.repeat(20 * MAX_LINE_BYTES);
    const rows = await read(lines(GOOD, endless, GOOD, 'y'.repeat(MAX_LINE_BYTES + 1)));
    expect(rows.map((row) => (isBadRow(row) ? row.reason : row.row))).toEqual([
      1,
      'line_too_long',
      3,
      'line_too_long',
    ]);
  });

  test.each([
    ['an empty file', ''],
    ['other columns', 'Invoice,StockCode\n1,2\n'],
  ])('refuses %s as a whole', async (_name, content) => {
    await expect(read(content)).rejects.toMatchObject({ code: 'unknown_header' });
  });

  test('refuses a gzip that ends too early, and a file that is not there', async () => {
    const cut = gzipSync(readFileSync(QUIRKS)).subarray(0, -20);
    await expect(read(cut)).rejects.toMatchObject({ code: 'unreadable_file' });
    await expect(readPlan(join(directory, 'none.csv'))).rejects.toMatchObject({ code: 'unreadable_file' });
  });

  test('can be left early', async () => {
    const path = write(lines(GOOD, GOOD, GOOD));
    for await (const row of readRows(path)) {
      expect(row.row).toBe(1);
      break;
    }
  });

  test.each([
    ['wrong_column_count', '1,22423,STAND,1,2011-06-01 12:00:00,1.5,17850.0'],
    ['wrong_column_count', `${GOOD},more`],
    ['missing_invoice', ',22423,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['unknown_invoice_letter', 'X1,22423,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['unknown_invoice_letter', 'c1,22423,STAND,-1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['bad_invoice_number', '12-3,22423,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['missing_sku', '1,,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['bad_sku', `1,${'7'.repeat(65)},STAND,1,2011-06-01 12:00:00,1.5,,EIRE`],
    ['bad_sku', '1,22\u0007423,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    [
      'description_too_long',
      `1,22423,${'d'.repeat(MAX_DESCRIPTION_CHARS + 1)},1,2011-06-01 12:00:00,1.5,,EIRE`,
    ],
    ['bad_quantity', '1,22423,STAND,1.5,2011-06-01 12:00:00,1.5,,EIRE'],
    ['bad_quantity', '1,22423,STAND,,2011-06-01 12:00:00,1.5,,EIRE'],
    ['zero_quantity', '1,22423,STAND,0,2011-06-01 12:00:00,1.5,,EIRE'],
    ['quantity_over_limit', '1,22423,STAND,1000001,2011-06-01 12:00:00,1.5,,EIRE'],
    ['bad_price', '1,22423,STAND,1,2011-06-01 12:00:00,1e3,,EIRE'],
    ['bad_price', '1,22423,STAND,1,2011-06-01 12:00:00,NaN,,EIRE'],
    ['price_too_precise', '1,22423,STAND,1,2011-06-01 12:00:00,0.1234567,,EIRE'],
    ['price_over_limit', '1,22423,STAND,1,2011-06-01 12:00:00,1000000.01,,EIRE'],
    ['negative_price', '1,22423,STAND,1,2011-06-01 12:00:00,-1.5,,EIRE'],
    ['negative_price', 'C1,22423,STAND,-1,2011-06-01 12:00:00,-1.5,,EIRE'],
    ['bad_date', '1,22423,STAND,1,01/06/2011 12:00,1.5,,EIRE'],
    ['bad_date', '1,22423,STAND,1,2011-02-30 12:00:00,1.5,,EIRE'],
    ['bad_date', '1,22423,STAND,1,2011-06-01 24:00:00,1.5,,EIRE'],
    ['nonexistent_local_time', '1,22423,STAND,1,2011-03-27 01:30:00,1.5,,EIRE'],
    ['bad_customer', '1,22423,STAND,1,2011-06-01 12:00:00,1.5,1785O,EIRE'],
    ['missing_country', '1,22423,STAND,1,2011-06-01 12:00:00,1.5,,'],
    ['credit_quantity_not_negative', 'C1,22423,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['write_off_with_price', '1,22423,STAND,-1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['bad_debt_outside_adjustment', '1,B,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['unknown_adjustment_code', 'A1,22423,STAND,1,2011-06-01 12:00:00,1.5,,EIRE'],
    ['customer_differs_in_invoice', '1,22423,STAND,1,2011-06-01 12:00:00,1.5,1.0,EIRE'],
    ['country_differs_in_invoice', '1,22423,STAND,1,2011-06-01 12:00:00,1.5,17850.0,France'],
  ])('reports %s with its row number and takes the rows around it: %s', async (reason, bad) => {
    const plan = await readPlan(write(lines(GOOD, bad, GOOD)));
    expect(plan.bad).toEqual([expect.objectContaining({ row: 2, reason, detail: expect.any(String) })]);
    expect(plan.items).toEqual([expect.objectContaining({ type: 'order', externalId: '1' })]);
    const [order] = plan.items;
    expect(order?.type === 'order' && order.lines.map(({ row }) => row)).toEqual([1, 3]);
  });

  test('keeps the number of a bad row free in its invoice, so that mending it moves no other line', async () => {
    const plan = await readPlan(write(lines(GOOD, GOOD.replace('1.5', 'x'), GOOD)));
    const [order] = plan.items;
    expect(order?.type === 'order' && order.lines.map(({ lineId }) => lineId)).toEqual(['1', '3']);
  });

  test('cuts the offending text to a printable length', async () => {
    const [row] = await read(lines(GOOD.replace('1.5', '9'.repeat(5000))));
    expect(row !== undefined && isBadRow(row) ? row.detail.length : 0).toBe(121);
  });
});
