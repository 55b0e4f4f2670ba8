// The answer: the path with the probability of each level, where it ends and why, what else it could be, and what is right.
import { useEffect, useState } from "preact/hooks";
import { Picker } from "../batch/picker";
import { models } from "../shell/model";
import { toast } from "../shell/toast";
import { type Answer, labelsOf, namesOf, type Path } from "./remote";
import * as state from "./state";
import { percent, whyItEnds } from "./words";

export function AnswerCard({ answer }: { answer: Answer }) {
  const { row, model } = answer;
  const several = model.task === "multi";
  return (
    <section class={`answer card${state.isCurrent.value ? "" : " is-old"}`} aria-labelledby="answer-name" data-text={answer.text}>
      <h2 id="answer-name" tabIndex={-1}>
        {row.paths.length ? (several ? "It belongs to" : <Way path={row.paths[0]!} />) : "No category"}
      </h2>
      {row.paths.map((path) => (
        <div key={path.path}>
          {several && (
            <h3>
              <Way path={path} />
            </h3>
          )}
          <Levels path={path} />
        </div>
      ))}
      <p class="ends">
        {several && !row.paths.length ? "No category is probable enough for this text." : whyItEnds(row)}
        {row.because ? ` ${sentence(row.because)}` : ""}
      </p>
      {answer.promise && <p class="muted promise-told">{answer.promise.text}</p>}
      <Verdict answer={answer} />
    </section>
  );
}

/** The names of a path; the last one, which is the answer, stands out. */
function Way({ path }: { path: Path }) {
  const names = labelsOf(path);
  return (
    <span class="way">
      {names.slice(0, -1).map((name, i) => (
        <span key={i} class="way-above">
          {name} <span aria-hidden="true">›</span>{" "}
        </span>
      ))}
      <strong>{names.at(-1)}</strong>
    </span>
  );
}

function Levels({ path }: { path: Path }) {
  return (
    <ol class="bars answer-levels" aria-label="Levels and how probable they are">
      {path.levels.map((level, i) => (
        <li key={i}>
          <span>{level.label ?? level.name}</span>
          <span class="bar" aria-hidden="true">
            <span style={{ width: `${level.probability * 100}%` }} />
          </span>
          <span class="count">{percent(level.probability)}</span>
        </li>
      ))}
    </ol>
  );
}

const sentence = (words: string) => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

/** Whether a category is being looked for; a signal would outlive the answer. */
function Verdict({ answer }: { answer: Answer }) {
  const [picking, pick] = useState(false);
  const [chosen, choose] = useState<string[][] | null>(null);
  const offered = models.value?.features.feedback === true;
  const said = state.saidOf(answer);
  const others = state.others.value;
  const several = answer.model.task === "multi";
  const predicted = answer.row.paths.map(namesOf);
  useEffect(() => (pick(false), choose(null)), [answer]);

  const say = async (paths: string[][]) => {
    // What stands there is the answer to another text, as long as the new one is on its way.
    if (!state.isCurrent.peek()) return toast("The answer to this text is not there yet.");
    try {
      await state.say(answer, paths);
      toast(same(paths, predicted) ? "Thank you: noted as right." : `Thank you: noted as ${paths.map((path) => path.join(" › ")).join("; ")}.`);
      pick(false);
      choose(null);
      document.getElementById("answer-name")?.focus();
    } catch (error) {
      toast(`It was not kept: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const stop = () => (pick(false), choose(null), document.getElementById("answer-name")?.focus());
  const picked = (path: string[]) => {
    if (!several) return void say([path]);
    choose([...(chosen ?? predicted).filter((one) => one.join("\n") !== path.join("\n")), path]);
    pick(false);
  };

  return (
    <>
      {others.length > 0 && (
        <>
          <h3>It could also be{offered && " (choose the one that is right)"}</h3>
          <ol class="others">
            {others.map((path, i) => (
              <li key={path.path}>
                <button
                  type="button"
                  data-key={offered ? i + 1 : undefined}
                  disabled={!offered}
                  onClick={() => void say([namesOf(path)])}
                >
                  {offered && <kbd aria-hidden="true">{i + 1}</kbd>}
                  <Way path={path} />
                  <span class="count">{state.isAbove(path, answer) ? "nothing below it" : percent(path.probability)}</span>
                </button>
              </li>
            ))}
          </ol>
        </>
      )}
      {said && (
        <p class="said">
          <span aria-hidden="true">✓ </span>
          {same(said, predicted) ? "You said that this is right." : `You said: ${said.map((path) => path.join(" › ")).join("; ")}.`}
        </p>
      )}
      {offered && !picking && chosen === null && (
        <p class="actions">
          {predicted.length > 0 && (
            <button type="button" data-key="y" onClick={() => void say(predicted)}>
              This is right <kbd aria-hidden="true">y</kbd>
            </button>
          )}
          <button type="button" data-key="c" onClick={() => (several ? choose(predicted) : pick(true))}>
            Correct it <kbd aria-hidden="true">c</kbd>
          </button>
        </p>
      )}
      {chosen !== null && !picking && <Several paths={chosen} onChange={choose} onAdd={() => pick(true)} onSave={() => void say(chosen)} onCancel={stop} />}
      {picking && <Picker model={answer.model.name} near={others.map(namesOf)} onChoose={picked} onCancel={stop} />}
    </>
  );
}

interface SeveralProps {
  paths: string[][];
  onChange(paths: string[][]): void;
  onAdd(): void;
  onSave(): void;
  onCancel(): void;
}

/** The right categories, where there may be several: leave out, add, save. */
function Several({ paths, onChange, onAdd, onSave, onCancel }: SeveralProps) {
  return (
    <fieldset class="several">
      <legend>The right categories</legend>
      <ul>
        {paths.map((path) => (
          <li key={path.join("\n")}>
            {path.join(" › ")}{" "}
            <button type="button" class="quiet" aria-label={`Leave out ${path.join(", ")}`} onClick={() => onChange(paths.filter((one) => one !== path))}>
              Leave out
            </button>
          </li>
        ))}
      </ul>
      <p class="actions">
        <button type="button" data-key="a" onClick={onAdd}>
          Add one <kbd aria-hidden="true">a</kbd>
        </button>
        <button type="button" class="primary" data-key="s" disabled={!paths.length} onClick={onSave}>
          Save <kbd aria-hidden="true">s</kbd>
        </button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </p>
    </fieldset>
  );
}

const same = (one: string[][], other: string[][]) => JSON.stringify(one) === JSON.stringify(other);
