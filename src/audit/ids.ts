/** How ids of streams are made of parts (docs/architecture.md), written again for the audit. */
export const encodePart = (part: string): string => encodeURIComponent(part).replaceAll('~', '%7E');

export const stockKey = (location: string, sku: string): string =>
  `${encodePart(location)}~${encodePart(sku)}`;

/** Location and SKU of a stock stream. */
export const stockParts = (id: string): [location: string, sku: string] => {
  const cut = id.indexOf('~');
  return [decodeURIComponent(id.slice(0, cut)), decodeURIComponent(id.slice(cut + 1))];
};
