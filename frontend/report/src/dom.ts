/** Small helpers around the document. Text only ever goes in as text. */

export function byId<T extends HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

export function percent(share: number, digits = 0): string {
  return `${(100 * share).toFixed(digits)}\u00a0%`;
}

/** Lines of text as one element, for a tooltip; the first line stands out. */
export function lines(first: string, ...others: string[]): HTMLElement {
  const box = document.createElement("div");
  const head = document.createElement("strong");
  head.textContent = first;
  head.dir = "auto";
  box.append(head);
  for (const other of others) {
    const line = document.createElement("div");
    line.textContent = other;
    box.append(line);
  }
  return box;
}
