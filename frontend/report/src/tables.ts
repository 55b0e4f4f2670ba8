/** Tables that are sorted by a click on a column's name. A cell says by `data-sort` what it is worth. */

export function makeSortable(): void {
  for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) {
    [...(table.tHead?.rows[0]?.cells ?? [])].forEach((head, column) => addButton(table, head, column));
  }
}

function addButton(table: HTMLTableElement, head: HTMLTableCellElement, column: number): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  button.append(...head.childNodes);
  head.append(button);
  button.addEventListener("click", () => {
    const numbers = table.tBodies[0]?.rows[0]?.cells[column]?.dataset["sort"] !== undefined;
    const now = head.getAttribute("aria-sort");
    // Numbers: the largest first; names: from the first letter on. A second click turns it round.
    const descending = now === null ? numbers : now === "ascending";
    for (const other of head.parentElement?.children ?? []) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    sort(table, column, descending);
  });
}

function sort(table: HTMLTableElement, column: number, descending: boolean): void {
  const body = table.tBodies[0];
  if (!body) return;
  const sign = descending ? -1 : 1;
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
  rows.sort((a, b) => compare(a.key, b.key, sign));
  body.append(...rows.map(({ row }) => row));
}

type Key = number | string | null;

function keyOf(cell: HTMLTableCellElement | undefined): Key {
  const given = cell?.dataset["sort"];
  if (given === undefined) return cell?.textContent?.trim() ?? "";
  return given === "" ? null : Number(given);
}

/** Cells without a value stay at the end, whichever way the rest is sorted. */
function compare(a: Key, b: Key, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b));
}
