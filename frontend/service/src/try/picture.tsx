// The taxonomy, lit by probability: a picture for the eye, a tree for everybody.
import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { children } from "../explore/remote";
import { Tree } from "../explore/tree";
import { theme } from "../shell/theme";
import type { Picture } from "./chart";
import { type Lit, litOf, LitTree } from "./lit";
import type { Answer } from "./remote";
import { percent } from "./words";

const kind = signal<"picture" | "tree">("picture");

export function Taxonomy({ answer }: { answer: Answer }) {
  // Where a text can have several categories, they do not share one whole, as a ring of sectors would say.
  const several = answer.model.task === "multi";
  const shown = several ? "tree" : kind.value;
  return (
    <section class="lit card" aria-labelledby="lit-name">
      <div class="card-head">
        <h2 id="lit-name">Categories, lit by probability</h2>
        {!several && (
          <div class="switch" role="group" aria-label="How the categories are shown">
            {(["picture", "tree"] as const).map((one) => (
              <button key={one} type="button" aria-pressed={shown === one} onClick={() => (kind.value = one)}>
                {one === "picture" ? "Rings" : "Tree"}
              </button>
            ))}
          </div>
        )}
      </div>
      {shown === "picture" ? <Rings answer={answer} /> : <LitRows answer={answer} />}
    </section>
  );
}

/** The script of the picture is loaded when it is first needed. */
let script: Promise<typeof import("./chart")> | null = null;
const chartScript = () => (script ??= import(new URL("chart.js", document.baseURI).href));

/** Load it while nothing else is to do, so that the first answer does not wait. */
export const fetchAhead = () => void chartScript().catch(() => (script = null));

function Rings({ answer }: { answer: Answer }) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Picture | null>(null);
  const [pointed, point] = useState<Lit | null>(null);
  const [missing, setMissing] = useState(false);
  const lit = useMemo(() => litOf(answer), [answer]);
  const latest = useRef(lit);
  latest.current = lit;

  useEffect(() => {
    let open = true;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = () => drawn.current?.recolour();
    chartScript().then(
      ({ picture }) => {
        if (!open || !place.current) return;
        drawn.current = picture(place.current, point);
        drawn.current?.draw(latest.current);
      },
      () => ((script = null), setMissing(true)),
    );
    const stop = theme.subscribe(() => queueMicrotask(recolour));
    dark.addEventListener("change", recolour);
    return () => {
      open = false;
      stop();
      dark.removeEventListener("change", recolour);
      drawn.current?.close();
      drawn.current = null;
    };
  }, []);
  useEffect(() => (point(null), drawn.current?.draw(lit)), [lit]);

  if (missing) return <p class="muted">The picture could not be loaded. The tree shows the same.</p>;
  return (
    <>
      <div class="rings" ref={place} role="img" aria-label={`${told(lit)} The tree shows the same, for keyboards and screen readers.`} />
      <p class="rings-told" aria-hidden="true">
        {pointed ? (
          <>
            {pointed.way.join(" › ")} <strong>{percent(pointed.probability)}</strong>
          </>
        ) : (
          <span class="muted">Wider and stronger is more probable. Point at a part to read it, click to go into it.</span>
        )}
      </p>
    </>
  );
}

const told = (lit: Lit[]) =>
  `Rings of categories; the widest: ${lit.slice(0, 3).map((one) => `${one.name} ${percent(one.probability)}`).join(", ")}.`;

function LitRows({ answer }: { answer: Answer }) {
  const name = answer.model.name;
  const [, beat] = useState(0);
  const [selected, select] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const tree = useMemo(() => new LitTree((under) => children(name, under), () => beat((count) => count + 1)), [name, answer.version]);
  const report = (error: unknown) => setProblem(error instanceof Error ? error.message : String(error));
  useEffect(() => {
    let current = true;
    setProblem("");
    tree.show(answer, () => current).catch(report);
    return () => void (current = false);
  }, [tree, answer]);
  const rows = tree.rows();
  if (problem) return <p class="problem" role="alert">{problem}</p>;
  if (!rows.length) return <p class="muted">Loading the categories …</p>;
  return (
    <div class="lit-rows">
      <Tree
        rows={rows}
        label="Categories with their probabilities"
        selected={selected}
        onSelect={(row) => select(row.key)}
        onToggle={(row, open) => void tree.toggle(row.key, open).catch(report)}
        renderName={(row) => (
          <span class="lit-name">
            <span class="lit-light" aria-hidden="true" style={{ width: `${tree.probability(row.id) * 100}%` }} />
            <span>{row.name}</span>
          </span>
        )}
        onActivate={(row) => {
          if (row.id >= 0) location.hash = `#/explore/${row.id}`;
        }}
      />
    </div>
  );
}
