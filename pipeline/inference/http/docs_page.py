"""The page at /docs: a form to try the model with, and its addresses. It loads nothing of elsewhere."""

from __future__ import annotations

import json
from html import escape

from pipeline.data.reading.input_column import InputColumn
from pipeline.inference.http.column_schema import Categories, hint
from pipeline.inference.http.served_model import Served

MAX_CHOICES = 200  # categories that a field proposes
MAX_FIELDS = 60  # columns; of more, and of arrays, the row is written as JSON
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; background: #fff; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem } label { overflow-wrap: anywhere }
form { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .7rem }
label { display: flex; flex-direction: column; justify-content: end; font-size: .85rem; color: #445 }
input, textarea { font: 14px ui-monospace, monospace; padding: .3rem .4rem; border: 1px solid #b6bfcc; width: 100%;
  box-sizing: border-box }
.wide { grid-column: 1 / -1 } textarea { height: 8rem }
button { font: inherit; padding: .35rem 1.2rem }
pre { background: #f4f6f9; padding: .8rem; white-space: pre-wrap }
pre, code, h1, p { overflow-wrap: anywhere } small { opacity: .75 }
@media (prefers-color-scheme: dark) {
  body { color: #e3e7ee; background: #14181f } pre { background: #1e242e } label { color: #a4adbb }
  input, textarea { background: #1e242e; color: inherit; border-color: #465063 }
}
"""
SCRIPT = """
document.getElementById("at").textContent = location.origin
const form = document.querySelector("form"), answer = document.getElementById("answer")
function row() {
  const whole = form.querySelector("textarea")
  if (whole) return JSON.parse(whole.value)
  const found = {}
  for (const field of form.querySelectorAll("input")) {
    const text = field.value
    found[field.name] = text === "" ? null : field.dataset.kind === "number" && isFinite(text) ? Number(text) : text
  }
  return found
}
form.addEventListener("submit", async event => {
  event.preventDefault()
  try {
    const body = JSON.stringify({instances: [row()]})
    const given = await fetch("invocations", {method: "POST", headers: {"Content-Type": "application/json"}, body})
    answer.textContent = JSON.stringify(await given.json(), null, 2)
  } catch (error) { answer.textContent = String(error) }
})
"""


def page(model: Served) -> str:
    """The whole page; every text of the model is escaped."""
    title = escape(f"{model.name}, version {model.version}")
    targets = escape(", ".join(model.labels.targets))
    uncertainty = f" In the answer, {escape(model.uncertainty)}" if model.uncertainty else ""
    first = {name: values[0] for name, values in model.example.items()}
    body = json.dumps({"instances": [first]}, ensure_ascii=False)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{STYLE}</style></head><body>
<h1>{title}</h1>
<p>Predicts {targets}. An empty field is a gap.{uncertainty}</p>
<form>{_fields(model, first)}
<div class="wide"><button>Predict</button></div></form>
<pre id="answer" aria-live="polite">The prediction comes here.</pre>
<h2>From a program</h2>
<pre>curl -H 'Content-Type: application/json' <span id="at">http://HOST:PORT</span>/invocations -d @row.json

row.json:
{escape(body)}</pre>
<p><code>POST /invocations</code> takes MLflow's protocol, <code>POST /v1/models/{escape(model.name)}:predict</code>
TensorFlow Serving's; <a href="openapi.json">openapi.json</a> describes both with all columns.
<code>GET /version</code>, <code>/metrics</code> (Prometheus), <code>/health</code>.</p>
<script>{SCRIPT}</script>
</body></html>
"""


def _fields(model: Served, first: dict[str, object]) -> str:
    """A field for each column, or one for the row."""
    if len(model.columns) > MAX_FIELDS or any(column.width is not None for column in model.columns):
        text = escape(json.dumps(first, ensure_ascii=False))
        return f'<label class="wide">a row as JSON<textarea name="row">{text}</textarea></label>'
    fields = enumerate(model.columns)
    return "\n".join(_field(n, column, first[column.name], model.categories) for n, column in fields)


def _field(number: int, column: InputColumn, value: object, categories: Categories) -> str:
    """A field with what it takes, and the categories that training knew to choose from."""
    kind, name = "text" if column.is_text else "number", escape(column.name)
    shown = "" if value is None else escape(value if isinstance(value, str) else json.dumps(value))
    known = [escape(str(one)) for one in categories.get(column.name, ())[:MAX_CHOICES]] if column.is_text else []
    listed = f' list="known{number}"' if known else ""
    choices = f'<datalist id="known{number}">{"".join(f"<option>{one}" for one in known)}</datalist>' if known else ""
    field = f'<input name="{name}" value="{shown}" data-kind="{kind}"{listed}>'
    return f"<label><span>{name} <small>{escape(hint(column))}</small></span>{field}{choices}</label>"
