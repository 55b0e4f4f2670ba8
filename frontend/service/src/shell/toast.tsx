// A few words at the edge of the page, gone after a while; screen readers read them.
import { signal } from "@preact/signals";

const SECONDS = 6;

const shown = signal<{ id: number; text: string }[]>([]);
let last = 0;

export function toast(text: string) {
  const id = ++last;
  shown.value = [...shown.value, { id, text }];
  window.setTimeout(() => (shown.value = shown.value.filter((one) => one.id !== id)), SECONDS * 1000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.value.map((one) => (
        <p key={one.id}>{one.text}</p>
      ))}
    </div>
  );
}
