"""What the page looks like, by day and by night."""

STYLE = """
:root { --ink: #1d2430; --quiet: #5d6779; --paper: #fff; --panel: #f5f7fa; --line: #dfe3ea; --blue: #3b6fb6;
  --best: #c2410c; --good: #15803d; --warn: #9a3412; --warn-back: #fff7ed }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ee; --quiet: #a4adbb; --paper: #14181f; --panel: #1c222b;
  --line: #323a46; --blue: #7ea6dd; --best: #fb923c; --good: #4ade80; --warn: #fdba74; --warn-back: #2b2018 } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--paper); margin: 2rem auto 4rem; max-width: 76rem; padding: 0 1.25rem }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; overflow-wrap: anywhere } h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem }
h3 { font-size: 1rem; margin: 0 0 .3rem } p { margin: .4rem 0; max-width: 62rem } .note { color: var(--quiet) }
.warning { color: var(--warn); background: var(--warn-back); border-left: 4px solid currentColor; padding: .5rem 1rem }
.verdict { background: var(--panel); border-left: 4px solid var(--blue); padding: .8rem 1.2rem; margin: 1rem 0 }
.verdict.settled { border-color: var(--good) } .verdict p { margin: .3rem 0 0 }
.figures { display: flex; flex-wrap: wrap; gap: .8rem; margin: 1rem 0 }
.figures div { background: var(--panel); padding: .6rem 1rem; border-radius: 6px; min-width: 8rem }
.figures b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums }
.figures span { color: var(--quiet); font-size: .85rem }
pre { background: var(--panel); padding: .8rem 1rem; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere;
  font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; margin: .5rem 0 }
.scroll { overflow: auto; max-height: 38rem } .scroll th { position: sticky; top: 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem } .narrow { width: auto }
th, td { text-align: left; padding: .32rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { background: var(--panel); font-weight: 600; white-space: nowrap } tr.best td { font-weight: 600 }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.text { overflow-wrap: anywhere; min-width: 14rem; white-space: pre-line } .value { min-width: 5rem; max-width: 22rem }
.id { color: var(--quiet); position: sticky; right: 0; background: var(--paper) }
td.id { font: 12px/1.3 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; min-width: 19ch;
  word-break: break-all } th.id { background: var(--panel) }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 1.4rem }
svg { display: block; width: 100%; height: auto } svg text { font-size: 12px; fill: var(--quiet) }
svg text.title { fill: var(--ink); font-weight: 600 }
svg text.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round; fill: var(--ink) }
.grid { stroke: var(--line) } .frame { stroke: var(--quiet); fill: none }
.mark { fill: var(--blue); fill-opacity: .55 } .mark.best { fill: var(--best); fill-opacity: 1 }
.many .mark { fill-opacity: .3 } .many .mark.best { fill-opacity: 1 }
.line { fill: none; stroke: currentColor; stroke-width: 2 } .dot { fill: currentColor } .middle { color: var(--ink) }
.dashed { stroke-dasharray: 5 4; stroke-width: 1.4; opacity: .75 }
.parallel polyline { fill: none; stroke: var(--blue); stroke-opacity: .35; stroke-width: 1.2 }
.parallel.many polyline.rest { stroke-opacity: .1 } .parallel polyline.good { stroke: var(--good); stroke-opacity: .6 }
.parallel polyline.best { stroke: var(--best); stroke-opacity: 1; stroke-width: 3 }
.parallel polyline:hover { stroke: var(--ink); stroke-opacity: 1; stroke-width: 3 }
.c0 { color: #d55e00 } .c1 { color: #0072b2 } .c2 { color: #009e73 } .c3 { color: #cc79a7 } .c4 { color: #b8860b }
.key { display: inline-block; width: 1.6rem; height: .25rem; vertical-align: middle; margin-right: .5rem;
  background: currentColor }
ul.legend { list-style: none; padding: 0; margin: .6rem 0 }
.bars .wide { width: 20rem } .bar { background: var(--blue); height: .8rem; border-radius: 2px; margin-top: .3rem }
@media print { .charts > div { break-inside: avoid } }
"""
