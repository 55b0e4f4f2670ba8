/** ECharts with only the parts that the page uses, in the page's colours. */

import { LineChart, ScatterChart, TreemapChart } from "echarts/charts";
import { AriaComponent, GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, type EChartsType, init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

use([
  AriaComponent,
  GridComponent,
  LabelLayout,
  LineChart,
  MarkLineComponent,
  ScatterChart,
  SVGRenderer,
  TooltipComponent,
  TreemapChart,
]);

/** CSS variables stand for colours: SVG reads them, so charts follow dark mode and print without being drawn again. */
export const INK = "var(--ink)";
export const SOFT = "var(--soft)";
export const LINE = "var(--line)";
export const PAPER = "var(--paper)";
export const MARK = "var(--mark)";

export const FONT = "system-ui, sans-serif";

export const tooltip = {
  backgroundColor: PAPER,
  borderColor: LINE,
  borderWidth: 1,
  padding: [6, 10],
  textStyle: { color: INK, fontFamily: FONT, fontSize: 13 },
  confine: true,
};

/** An axis of shares, told in percent. */
export function shareAxis(name: string, min: number, max: number): Record<string, unknown> {
  return {
    type: "value",
    min,
    max,
    name,
    nameLocation: "middle",
    nameTextStyle: { color: SOFT, fontFamily: FONT, fontSize: 12 },
    axisLabel: { color: SOFT, fontFamily: FONT, formatter: (value: number) => `${Math.round(100 * value)}\u00a0%`, hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: LINE } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: LINE } },
  };
}

/** Draw a chart into an element, and keep it as wide as the element is. */
export function draw(element: HTMLElement, option: EChartsCoreOption): EChartsType {
  element.hidden = false;
  const chart = init(element, null, { renderer: "svg" });
  chart.on("finished", () => makeScalable(element));
  chart.setOption({ animation: false, textStyle: { fontFamily: FONT }, ...option });
  new ResizeObserver(() => chart.resize()).observe(element);
  return chart;
}

/** With a view box a picture shrinks with a printed page, which is laid out after the last chance to draw. */
function makeScalable(element: HTMLElement): void {
  const svg = element.querySelector("svg");
  const [width, height] = [svg?.getAttribute("width"), svg?.getAttribute("height")];
  if (svg && width && height) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
}
