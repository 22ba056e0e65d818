"use strict";
// Sorts and filters the ranking, and shows other heat maps. Without it all tables are there as they are.

const NONE = "–";

function number(text) {
  const plain = text.replace(/[,\u00a0 %+]/g, "").replace("−", "-");
  return plain === "" || plain === NONE ? NaN : Number(plain);
}

function ranking(table) {
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const rows = Array.from(body.rows);
  const texts = rows.map((row) => Array.from(row.cells, (cell) => cell.textContent));
  const order = rows.map((_, at) => at);

  function sort(column, down) {
    const numeric = heads[column].classList.contains("n");
    const keys = texts.map((row) => (numeric ? number(row[column]) : row[column]));
    const missing = (key) => (numeric ? Number.isNaN(key) : key === NONE);
    order.sort((a, b) => {
      const one = keys[a], two = keys[b];
      // What has no meaning comes last, whichever way.
      if (missing(one) || missing(two)) return missing(one) - missing(two) || a - b;
      const way = numeric ? one - two : one < two ? -1 : one > two ? 1 : 0;
      return (down ? -way : way) || a - b;
    });
    body.append(...order.map((at) => rows[at]));
    heads.forEach((head, at) => {
      if (at === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const toggle = () => {
      const now = head.getAttribute("aria-sort");
      const first = head.classList.contains("n") && head.dataset.key !== "rank" && head.dataset.key !== "max_drawdown";
      sort(column, now ? now === "ascending" : first);
    };
    head.addEventListener("click", toggle);
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        toggle();
      }
    });
  });

  const keys = heads.map((head) => head.dataset.key.toLowerCase());
  const names = heads.map((head) => head.textContent.toLowerCase());
  const compare = {
    "<": (a, b) => a < b, ">": (a, b) => a > b, "<=": (a, b) => a <= b, ">=": (a, b) => a >= b, "=": (a, b) => a === b,
  };

  function condition(word) {
    const parts = /^([^<>=]+)(<=|>=|<|>|=)(-?[\d.]+)%?$/.exec(word);
    if (parts) {
      let column = keys.indexOf(parts[1]);
      if (column < 0) column = names.indexOf(parts[1]);
      if (column >= 0) {
        const limit = Number(parts[3]);
        return (row) => compare[parts[2]](number(row[column]), limit);
      }
    }
    return (row) => row.some((text) => text.toLowerCase().includes(word));
  }

  const input = document.getElementById("filter");
  const told = document.getElementById("filtered");
  function filter() {
    const conditions = input.value.toLowerCase().split(/\s+/).filter(Boolean).map(condition);
    let kept = 0;
    rows.forEach((row, at) => {
      const keeps = conditions.every((holds) => holds(texts[at]));
      row.hidden = !keeps;
      kept += keeps;
    });
    told.textContent = conditions.length ? `${kept} of ${rows.length}` : "";
  }
  input.addEventListener("input", filter);
  input.closest(".tools").hidden = false;
}

function heat(source) {
  const data = JSON.parse(source.textContent);
  const [x, y, figure, of] = ["heat-x", "heat-y", "heat-figure", "heat-of"].map((id) => document.getElementById(id));
  const place = document.getElementById("map");
  const element = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const scoped = (text, scope) => {
    const head = element("th", text, "n");
    head.scope = scope;
    return head;
  };
  const grouped = (value, digits) =>
    Math.abs(value) >= 1e12 ? value.toExponential(2) : value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const written = (value) => {
    const text = figure.value === "sharpe" ? grouped(value, 2) : `${value > 0 ? "+" : ""}${grouped(100 * value, 1)}\u00a0%`;
    return text.replace("-", "−");
  };

  function draw() {
    const across = Number(x.value);
    const down = y ? Number(y.value) : across;
    const pair = data.pairs.find((one) => (one.x === across && one.y === down) || (one.x === down && one.y === across));
    if (!pair) return;
    const turned = pair.x !== across;
    const columns = data.axes[across].values;
    const rows = y ? data.axes[down].values : ["all"];
    const values = pair[figure.value][of.value];
    const width = data.axes[pair.x].values.length;
    const at = (row, column) => (turned ? column * width + row : row * width + column);
    const known = values.filter((value) => value !== null);
    const low = Math.min(...known), high = Math.max(...known);
    const table = element("table", undefined, "map");
    const words = `${of.value === "best" ? "Best" : "Middle"} ${figure.selectedOptions[0].textContent} by ${data.axes[across].name} (across) and ${y ? data.axes[down].name : "all variants"} (down)`;
    table.append(element("caption", words));
    const head = table.createTHead().insertRow();
    head.append(element("td"), ...columns.map((name) => scoped(name, "col")));
    const body = table.createTBody();
    rows.forEach((name, row) => {
      const line = body.insertRow();
      line.append(scoped(name, "row"));
      columns.forEach((_, column) => {
        const value = values[at(row, column)];
        const count = pair.n[at(row, column)];
        if (value === null) return line.append(element("td", count ? NONE : "", "n"));
        const level = high > low ? Math.min(9, Math.floor(((value - low) / (high - low)) * 10)) : 5;
        const cell = element("td", written(value), `n s${level}${value >= high ? " top" : ""}`);
        cell.dataset.value = value;
        cell.title = `${count} variants`;
        line.append(cell);
      });
    });
    place.replaceChildren(table);
  }

  let before = [x.value, y && y.value];
  [x, y, figure, of].filter(Boolean).forEach((choice) =>
    choice.addEventListener("change", () => {
      // The same on both sides: the other one takes what this one had.
      if (y && x.value === y.value) (choice === x ? y : x).value = before[choice === x ? 0 : 1];
      before = [x.value, y && y.value];
      draw();
    }));
  x.closest(".tools").hidden = false;
}

const ranks = document.getElementById("ranks");
if (ranks) ranking(ranks);
const source = document.getElementById("heat-data");
if (source) heat(source);
