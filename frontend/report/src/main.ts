/** Makes a finished page livelier: charts, the slider, sorted tables. Without this script it can be read all the same. */

import { followLinks, openForPrint } from "./branches";
import { showCoverage } from "./coverage";
import { readCharts } from "./data";
import { showReliability } from "./reliability";
import { makeSortable } from "./tables";
import { showTiles } from "./treemap";

const charts = readCharts();
makeSortable();
followLinks();
openForPrint();
showCoverage(charts.coverage);
showTiles(charts.tiles);
showReliability(charts.reliability);
document.documentElement.dataset["ready"] = "true";
