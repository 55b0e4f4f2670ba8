// The picture of the taxonomy, lit by probability. It is a script of its own, so that the page is there before ECharts is.
import { SunburstChart } from "echarts/charts";
import { type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import type { Lit } from "./lit";

use([SunburstChart, CanvasRenderer]);

export interface Picture {
  draw(nodes: readonly Lit[]): void;
  /** The colours of the page have changed. */
  recolour(): void;
  close(): void;
}

interface Colours {
  dark: string;
  light: string;
  text: string;
  onLight: string;
  surface: string;
}

/** Begin a picture; `onPoint` is told what lies below the pointer. */
export function picture(element: HTMLElement, onPoint: (node: Lit | null) => void): Picture {
  const chart: EChartsType = init(element, null, { renderer: "canvas" });
  let shown: readonly Lit[] = [];
  let colours = coloursOf(element);
  chart.on("mouseover", (event) => onPoint((event.data as { lit?: Lit } | null)?.lit ?? null));
  chart.on("globalout", () => onPoint(null));
  const sizes = new ResizeObserver(() => chart.resize());
  sizes.observe(element);
  const draw = () => chart.setOption(optionOf(shown, colours), { notMerge: true });
  return {
    draw: (nodes) => ((shown = nodes), draw()),
    recolour: () => ((colours = coloursOf(element)), draw()),
    close: () => (sizes.disconnect(), chart.dispose()),
  };
}

function optionOf(nodes: readonly Lit[], colours: Colours) {
  const told = nodes.reduce((sum, one) => sum + one.probability, 0);
  const rest = { name: "", value: Math.max(0, 1 - told), silent: true, itemStyle: { color: colours.dark }, label: { show: false } };
  return {
    animation: false,
    series: [
      {
        type: "sunburst",
        radius: ["14%", "98%"],
        sort: undefined, // the order given: most probable first
        nodeClick: "rootToNode",
        data: [...nodes.map((one) => entryOf(one, colours)), rest],
        itemStyle: { borderWidth: 2, borderColor: colours.surface },
        label: { minAngle: 24, overflow: "break", width: 96, fontSize: 12, lineHeight: 15, fontFamily: "system-ui, sans-serif", rotate: 0 },
        emphasis: { focus: "none", itemStyle: { borderColor: colours.text, borderWidth: 2 } },
      },
    ],
  };
}

function entryOf(node: Lit, colours: Colours): Record<string, unknown> {
  const share = Math.sqrt(Math.min(1, node.probability));
  const color = mixed(colours.dark, colours.light, 0.12 + 0.88 * share);
  return {
    name: node.name,
    value: node.probability,
    lit: node,
    children: node.below.map((one) => entryOf(one, colours)),
    itemStyle: { color },
    label: { color: share > 0.75 ? colours.onLight : colours.text, fontWeight: node.answer ? "bold" : "normal" },
  };
}

function coloursOf(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    dark: of("--raised"),
    light: of("--accent"),
    text: of("--text"),
    onLight: of("--on-accent"),
    surface: of("--surface"),
  };
}

/** A colour between two, given as `#rrggbb`. */
function mixed(from: string, to: string, share: number): string {
  const parts = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const [a, b] = [parts(from), parts(to)];
  return `rgb(${a.map((value, i) => Math.round(value + (b[i]! - value) * share)).join(",")})`;
}
