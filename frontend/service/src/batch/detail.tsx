// One row in full: its text, how sure each level is, what else it could be; right or corrected with one key.
import { useState } from "preact/hooks";
import { toast } from "../shell/toast";
import { Picker } from "./picker";
import * as remote from "./remote";
import { categories, reason } from "./review";
import { focusGrid } from "./results";
import * as state from "./state";
import { percent, plainReason } from "./words";

interface Props {
  row: number;
  /** Whether the service keeps corrections. */
  feedback: boolean;
  /** Called after a row was dealt with; `step`: go on to the next. */
  onDone(step: boolean): void;
}

export function Detail({ row, feedback, onDone }: Props) {
  const [picking, pick] = useState(false);
  const answer = state.run.value!.answers[row]!;
  const text = state.texts.value[row]!;
  const said = state.verdicts.value.get(row);
  const first = categories(answer)[0] ?? null;
  const line = state.table.value!.lines[row]!;

  const say = (path: string[]) => {
    state.say(row, path);
    pick(false);
    if (feedback) void send(row, text, path);
    onDone(true);
  };

  return (
    <article class="detail" aria-label={`Line ${line}`}>
      <p class="muted">Line {line.toLocaleString("en")} of the file</p>
      <blockquote class="detail-text">{text || "(This row has no text.)"}</blockquote>
      {answer.paths.map((one, i) => (
        <div key={one.path} class={i ? "detail-other" : "detail-first"}>
          {i === 1 && answer.path !== undefined && <h3>It could also be</h3>}
          <ol class="levels">
            {one.levels.map((level, depth) => (
              <li key={depth}>
                <span>{level.name}</span>
                <span class="bar" aria-hidden="true">
                  <span style={{ width: `${level.probability * 100}%` }} />
                </span>
                <span class="count">{percent(level.probability)}</span>
              </li>
            ))}
          </ol>
          {i > 0 && answer.path !== undefined && (
            <button type="button" class="quiet" onClick={() => say(one.levels.map((level) => level.name))}>
              This one is right
            </button>
          )}
        </div>
      ))}
      {reason(answer) && (
        <p class="muted">
          Ends there: {plainReason(reason(answer))}
          {answer.because && ` (${answer.because})`}.
        </p>
      )}
      {said && (
        <p>
          {said.right ? "You said: right." : `You corrected it to ${said.path.join(" › ")}.`}{" "}
          <button type="button" class="quiet" onClick={() => state.unsay(row)}>
            Take back
          </button>
        </p>
      )}
      <p class="actions">
        {first && (
          <button type="button" data-act="right" onClick={() => say(first)}>
            It is right <kbd>y</kbd>
          </button>
        )}
        {text && (
          <button type="button" data-act="correct" aria-expanded={picking} onClick={() => pick(!picking)}>
            Correct it <kbd>c</kbd>
          </button>
        )}
      </p>
      {picking && (
        <Picker
          model={state.asked.value!.model}
          near={answer.paths.slice(1).map((one) => one.levels.map((level) => level.name))}
          onChoose={say}
          onCancel={() => (pick(false), focusGrid())}
        />
      )}
      {!feedback && <p class="muted">What you say is kept in this page and in the download; this service does not collect corrections.</p>}
    </article>
  );
}

async function send(row: number, text: string, path: string[]) {
  const answer = state.run.value?.answers[row];
  const predicted = categories(answer ?? null)[0];
  const model = state.asked.value!.model;
  const known = predicted && typeof answer?.probability === "number" ? { predicted, probability: answer.probability } : {};
  try {
    await remote.feedback({ text, path, model, ...known });
  } catch (error) {
    toast(`The service did not keep the correction: ${error instanceof Error ? error.message : String(error)}`);
  }
}
