// The page of the service: its parts, in the order in which they are offered.
import { render } from "preact";
import { BatchView } from "./batch/view";
import { EditView } from "./edit/view";
import { ExploreView } from "./explore/view";
import { App, type Part } from "./shell/app";
import { models } from "./shell/model";
import { TryView } from "./try/view";
import "./shell/shell.css";
import "./list/bars.css";
import "./explore/explore.css";
import "./batch/batch.css";
import "./edit/edit.css";
import "./try/try.css";

const PARTS: readonly Part[] = [
  { route: "try", name: "Try", view: TryView },
  { route: "explore", name: "Explore", view: ExploreView },
  { route: "batch", name: "Batch", view: BatchView },
  { route: "edit", name: "Edit", view: EditView, offered: () => models.value?.features.edit === true },
];

const place = document.getElementById("app")!;
place.replaceChildren();
render(<App parts={PARTS} />, place);
