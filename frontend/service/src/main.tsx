// The page of the service: its parts, in the order in which they are offered.
import { render } from "preact";
import { BatchView } from "./batch/view";
import { ExploreView } from "./explore/view";
import { App, type Part } from "./shell/app";
import "./shell/shell.css";
import "./list/bars.css";
import "./explore/explore.css";
import "./batch/batch.css";

const PARTS: readonly Part[] = [
  { route: "explore", name: "Explore", view: ExploreView },
  { route: "batch", name: "Batch", view: BatchView },
];

const place = document.getElementById("app")!;
place.replaceChildren();
render(<App parts={PARTS} />, place);
