/** Shows the nodes of a branch: the page's own `details` are opened, so links, keys and find-in-page work as well. */

export function openBranch(branch: number): void {
  const details = document.getElementById(`branch-${branch}`);
  if (!(details instanceof HTMLDetailsElement)) return;
  details.open = true;
  details.querySelector("summary")?.focus({ preventScroll: true });
  details.scrollIntoView({ block: "start" });
}

export function followLinks(): void {
  const open = (): void => {
    const found = /^#branch-(\d+)$/.exec(location.hash);
    if (found) openBranch(Number(found[1]));
  };
  addEventListener("hashchange", open);
  // A second click on the same link changes no hash.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#branch-"]') : null;
    if (link && link.getAttribute("href") === location.hash) open();
  });
  open();
}

/** Paper cannot be clicked: everything is open while the page is printed. */
export function openForPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>("details[data-print]:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}
