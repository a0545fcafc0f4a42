/** Units by line, summed: naming a line twice is no other content, and cannot pass a check twice. */
export const perLine = (
  lines: readonly { readonly lineId: string; readonly quantity: number }[],
): Map<string, number> => {
  const units = new Map<string, number>();
  for (const { lineId, quantity } of lines) units.set(lineId, (units.get(lineId) ?? 0) + quantity);
  return units;
};
