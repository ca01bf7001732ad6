"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Theme: the system's until someone chooses.
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Trackers: shown or hidden on every figure and in every table at once.
  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => {
      const off = chip.getAttribute("aria-pressed") === "true";
      chip.setAttribute("aria-pressed", String(!off));
      for (const element of all(`.series.series-${chip.dataset.series}`)) element.classList.toggle("off", off);
    });
  }

  // Tables: sort by a column, missing values last; equal rows keep their order.
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
  };
  const compare = (column, numeric, sign) => (a, b) => {
    if (!numeric) return sign * a.cells[column].textContent.localeCompare(b.cells[column].textContent, undefined, { numeric: true });
    const [x, y] = [value(a, column), value(b, column)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (x - y);
  };
  const sort = (head) => {
    const body = head.closest("table").tBodies[0];
    const numeric = head.classList.contains("number");
    const descending = head.ariaSort ? head.ariaSort === "ascending" : numeric;
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    body.append(...[...body.rows].sort(compare(head.cellIndex, numeric, descending ? -1 : 1)));
  };
  for (const button of all("thead button")) button.addEventListener("click", () => sort(button.parentElement));

  // Tables: keep the rows that hold every word of the filter.
  for (const input of all(".filter input")) {
    input.addEventListener("input", () => {
      const table = input.closest(".table");
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = [...table.querySelector("tbody").rows];
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      table.querySelector(".count").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
    });
  }

  // On paper nothing can be opened.
  addEventListener("beforeprint", () => { for (const record of all("details")) record.open = true; });

  // Curves: the values under the pointer, read from the plotted points themselves.
  const nearest = (points, x) => {
    let best = 0;
    points.forEach((point, place) => { if (Math.abs(point - x) < Math.abs(points[best] - x)) best = place; });
    return best;
  };
  const readout = (figure, content, event) => {
    const svg = figure.querySelector("svg");
    const [left, , right, , low, high] = svg.dataset.plot.split(" ").map(Number);
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const x = low + ((at - left) / (right - left)) * (high - low);
    const line = figure.querySelector(".readout");
    if (x < low || x > high) { line.textContent = ""; return; }
    const place = nearest(content.series[0].x, x);
    const shown = content.series.filter((one) => one.y[place] !== null && one.y[place] !== undefined).slice(0, 6);
    const text = shown.map((one) => `${one.tracker} ${one.y[place].toFixed(3)}`).join(" · ");
    line.textContent = `at ${Number(content.series[0].x[place].toFixed(3))}: ${text}`;
  };
  for (const figure of all("[data-figure]")) {
    const content = data.figures[figure.dataset.figure];
    if (content && content.kind === "curve" && content.series.length) {
      figure.addEventListener("pointermove", (event) => readout(figure, content, event));
      figure.addEventListener("pointerleave", () => { figure.querySelector(".readout").textContent = ""; });
    }
    const save = figure.querySelector(".save");
    save.hidden = false;
    save.title = "Save this figure as an SVG file";
    save.addEventListener("click", () => {
      const text = new XMLSerializer().serializeToString(figure.querySelector("svg"));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      link.download = `${figure.dataset.figure}.svg`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }
})();
