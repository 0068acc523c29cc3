// Small statistics and tables.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** A Markdown table; the first row is the head. */
export function table(rows) {
  const width = (column) => Math.max(...rows.map((row) => `${row[column]}`.length));
  const widths = rows[0].map((_, column) => width(column));
  const line = (row) =>
    `| ${row.map((cell, column) => `${cell}`.padEnd(widths[column])).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join("\n");
}
