// Try: a text in, its category out as one types, with all that speaks for it.
import { useEffect, useRef, useState } from "preact/hooks";
import * as batch from "../batch/state";
import { model, models } from "../shell/model";
import { toast } from "../shell/toast";
import { AnswerCard } from "./answer";
import { Help, help, useKeys } from "./keys";
import { Marked } from "./marked";
import { fetchAhead, Taxonomy } from "./picture";
import { forget, recent, remember } from "./recent";
import * as state from "./state";
import { aloud } from "./words";

/** Milliseconds after which the script of the picture is fetched: the page itself has been painted by then. */
const AHEAD = 300;

export function TryView() {
  const chosen = model.value;
  const [over, setOver] = useState(false);
  useEffect(() => state.follow(), []);
  useEffect(() => void window.setTimeout(fetchAhead, AHEAD), []);
  useKeys();
  const answer = state.answer.value;
  useEffect(() => (answer ? remember(answer) : undefined), [answer]);
  return (
    <div
      class={`try${over ? " is-over" : ""}`}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (!file) return;
        event.preventDefault();
        if (!chosen) return;
        toast(`${file.name} is a table: Batch goes on with it.`);
        location.hash = "#/batch";
        void batch.open(file, chosen);
      }}
    >
      <div class="try-in">
        <TextBox />
        <Target />
        <Words />
        <Recent />
      </div>
      <div class="try-out">
        <Status />
        {answer && (state.isCurrent.value || !state.trouble.value) ? (
          <>
            <AnswerCard answer={answer} />
            <Taxonomy answer={answer} />
          </>
        ) : (
          <Empty />
        )}
      </div>
      <p class="sr-only" role="status">
        {answer && state.isCurrent.value ? aloud(answer.row) : ""}
      </p>
      <Help />
    </div>
  );
}

function TextBox() {
  const box = useRef<HTMLTextAreaElement>(null);
  // On a phone the keyboard would cover the page before it was seen.
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches && !state.text.peek()) box.current?.focus();
  }, []);
  const [length, longest] = [state.length.value, state.longest.value];
  return (
    <div class="text-box">
      <div class="card-head">
        <h1>
          <label for="text">Which category does a text belong to?</label>
        </h1>
        <button type="button" class="quiet keys-button" aria-label="Keys" onClick={() => (help.value = true)}>
          Keys <kbd aria-hidden="true">?</kbd>
        </button>
      </div>
      <textarea
        id="text"
        ref={box}
        rows={7}
        placeholder="Type or paste a text. Or drop a table (CSV) anywhere here."
        aria-describedby="text-told"
        aria-invalid={state.tooLong.value}
        value={state.text.value}
        onInput={(event) => (state.text.value = event.currentTarget.value)}
      />
      <p id="text-told" class="text-told muted">
        {state.tooLong.value ? (
          <span class="problem" role="alert">
            The text has {length.toLocaleString("en")} characters; this service reads at most {longest.toLocaleString("en")}. Is it a whole file?
            Batch takes tables.
          </span>
        ) : (
          <>
            <span>{length ? `${length.toLocaleString("en")} characters` : "It is answered as you type."}</span>
            {length > 0 && (
              <button type="button" class="quiet" onClick={() => ((state.text.value = ""), box.current?.focus())}>
                Clear
              </button>
            )}
          </>
        )}
      </p>
    </div>
  );
}

/** How sure the answers shall be, where the model can promise. */
function Target() {
  const [last, remembered] = useState(90);
  if (!model.value?.promise) return null;
  const on = state.accuracy.value !== null;
  return (
    <div class="promise">
      <label>
        <input
          type="checkbox"
          checked={on}
          onChange={(event) => (state.accuracy.value = event.currentTarget.checked ? last / 100 : null)}
        />{" "}
        Answer only as exactly as the model can promise
      </label>
      {on && (
        <label class="target">
          <span>
            At least <strong>{last} %</strong> of all answers are right
          </span>
          <input
            type="range"
            min={70}
            max={99}
            step={1}
            value={last}
            aria-valuetext={`${last} percent`}
            onInput={(event) => {
              const share = Number(event.currentTarget.value);
              remembered(share);
              state.accuracy.value = share / 100;
            }}
          />
        </label>
      )}
    </div>
  );
}

function Words() {
  const [chosen, answer] = [model.value, state.answer.value];
  if (!models.value?.features.explain || !chosen || chosen.searches) return null;
  const found = state.explained.value;
  return (
    <section class="why" aria-labelledby="why-name">
      <div class="card-head">
        <h2 id="why-name">Words that argued for it</h2>
        <button type="button" data-key="w" aria-expanded={state.why.value} onClick={() => (state.why.value = !state.why.value)}>
          {state.why.value ? "Hide" : "Show"} <kbd aria-hidden="true">w</kbd>
        </button>
      </div>
      {state.why.value && (
        <div aria-live="polite" aria-busy={state.explaining.value}>
          {state.troubleWords.value ? (
            <p class="problem">{state.troubleWords.value}</p>
          ) : found && found.of === answer ? (
            <Marked text={found.of.text} told={found.told} />
          ) : (
            <p class="muted">{!answer ? "There is no answer yet." : answer.row.paths.length ? "Leaving out word after word …" : "There is no category to find reasons for."}</p>
          )}
        </div>
      )}
    </section>
  );
}

function Recent() {
  const found = recent.value;
  if (!found.length) return null;
  return (
    <section class="recent" aria-labelledby="recent-name">
      <div class="card-head">
        <h2 id="recent-name">Tried in this tab</h2>
        <button type="button" class="quiet" onClick={forget}>
          Forget them
        </button>
      </div>
      <ul>
        {found.map((one) => (
          <li key={one.text}>
            <button type="button" onClick={() => (state.text.value = one.text)}>
              <span class="recent-text">{one.text.slice(0, 200)}</span>
              <span class="muted">{one.category}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Status() {
  const trouble = state.trouble.value;
  if (!trouble) return <div class={`working${state.asking.value ? " is-on" : ""}`} aria-hidden="true" />;
  if (trouble.kind === "busy") {
    return (
      <p class="notice" role="alert">
        The service has much to do. It is asked again in <span aria-live="off">{trouble.seconds} s</span>.
      </p>
    );
  }
  return (
    <div class="notice is-bad" role="alert">
      <p>{trouble.kind === "key" ? "This service answers only with a key." : trouble.message}</p>
      {trouble.kind === "offline" && <p class="muted">Your text stays here.</p>}
      <p class="actions">
        <button type="button" onClick={state.askAgain}>
          {trouble.kind === "key" ? "Enter a key" : "Try again"}
        </button>
      </p>
    </div>
  );
}

function Empty() {
  const chosen = model.value;
  if (state.trouble.value) return null;
  return (
    <div class="empty">
      <p class="empty-lead">The answer appears here.</p>
      {chosen && (
        <p class="muted">
          {chosen.terminals.toLocaleString("en")} categories on {chosen.levels} {chosen.levels === 1 ? "level" : "levels"}
          {chosen.rows !== null && <>, learned from {chosen.rows.toLocaleString("en")} texts</>}. You see how sure each level is, and which words
          argued for it. Where it is wrong, two keys correct it.
        </p>
      )}
    </div>
  );
}
