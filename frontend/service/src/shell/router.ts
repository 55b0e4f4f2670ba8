// Which part of the page is shown: the first word after `#/`.
import { signal } from "@preact/signals";

const read = () => /^#\/([a-z]+)/.exec(location.hash)?.[1] ?? "";

export const route = signal(read());
window.addEventListener("hashchange", () => (route.value = read()));
