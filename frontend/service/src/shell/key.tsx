// The question for an API key, asked when the service wants one.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { setKeyPrompt } from "./api";

const waiting = signal<((key: string | null) => void) | null>(null);
let asked: Promise<string | null> | null = null;

const refused = signal(false);

setKeyPrompt((wrong) => {
  refused.value = wrong;
  // Many requests may be refused at once; one question is enough.
  asked ??= new Promise<string | null>((answer) => (waiting.value = answer)).finally(() => {
    [asked, waiting.value] = [null, null];
  });
  return asked;
});

export function KeyPrompt() {
  const box = useRef<HTMLDialogElement>(null);
  const answer = waiting.value;
  useEffect(() => {
    if (answer) box.current?.showModal();
  }, [answer]);
  if (!answer) return null;
  return (
    <dialog ref={box} class="key-prompt" aria-labelledby="key-name" onCancel={() => answer(null)}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          answer(new FormData(event.currentTarget).get("key")?.toString().trim() || null);
        }}
      >
        <h2 id="key-name">This service asks for a key</h2>
        {refused.value && (
          <p class="problem" role="alert">
            That key was not accepted.
          </p>
        )}
        <p>Whoever runs it can give you one. It is kept until you close this tab.</p>
        <p>
          <label>
            Key <input name="key" type="password" autocomplete="off" required />
          </label>
        </p>
        <p class="actions">
          <button type="submit" class="primary">
            Go on
          </button>
          <button type="button" onClick={() => answer(null)}>
            Not now
          </button>
        </p>
      </form>
    </dialog>
  );
}
