"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // Curves with the same abscissa have it once.
  for (const figure of Object.values(data.figures)) for (const one of figure.series ?? []) if (!one.x && figure.x) one.x = figure.x;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Theme: the system's until someone chooses.
  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  // Trackers: shown or hidden on every figure and in every table at once.
  const hidden = new Set();
  const players = [];
  const hide = (chip, off) => {
    chip.setAttribute("aria-pressed", String(!off));
    if (off) hidden.add(Number(chip.dataset.series)); else hidden.delete(Number(chip.dataset.series));
    for (const element of all(`.series.series-${chip.dataset.series}`)) element.classList.toggle("off", off);
    for (const redraw of players) redraw();
  };
  for (const chip of all(".chip")) {
    chip.addEventListener("click", () => hide(chip, chip.getAttribute("aria-pressed") === "true"));
  }
  for (const [name, off] of [["show-all", false], ["show-none", true]]) {
    document.getElementById(name)?.addEventListener("click", () => { for (const chip of all(".chip")) hide(chip, off); });
  }

  // Trackers: the one whose row, chip or line is pointed at stands out in every figure.
  const light = (index) => {
    for (const element of all(".lit")) element.classList.remove("lit");
    for (const svg of all(".plot > svg")) svg.classList.toggle("dim", index !== null && svg.querySelector(`.series-${index}`) !== null);
    if (index !== null) for (const element of all(`.series.series-${index}`)) element.classList.add("lit");
  };
  const seriesOf = (element) => {
    const name = [...element.classList].find((one) => /^series-\d+$/.test(one));
    return name ? Number(name.slice(7)) : null;
  };
  for (const element of all("tbody tr.series, .plot > svg .series")) {
    element.addEventListener("pointerenter", () => light(seriesOf(element)));
    element.addEventListener("pointerleave", () => light(null));
  }
  for (const chip of all(".chip")) {
    for (const name of ["pointerenter", "focus"]) chip.addEventListener(name, () => light(Number(chip.dataset.series)));
    for (const name of ["pointerleave", "blur"]) chip.addEventListener(name, () => light(null));
  }

  // Hints: what a head means, for the pointer and for the keyboard.
  const tip = document.getElementById("tip");
  const explain = (element) => {
    tip.textContent = element.dataset.hint;
    tip.hidden = false;
    const box = element.getBoundingClientRect();
    const below = box.bottom + 6 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${below ? box.bottom + 6 : box.top - 6 - tip.offsetHeight}px`;
  };
  const conceal = () => { tip.hidden = true; };
  for (const element of all("[data-hint]")) {
    element.addEventListener("pointerenter", () => explain(element));
    element.addEventListener("pointerleave", conceal);
    element.addEventListener("focus", () => { if (element.matches(":focus-visible")) explain(element); });
    element.addEventListener("blur", conceal);
  }
  addEventListener("scroll", () => {
    const focused = document.activeElement;
    if (!tip.hidden && focused.matches("[data-hint]:focus-visible")) explain(focused); else conceal();
  }, { capture: true, passive: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") conceal(); });

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
  const make = (name, text, className) => {
    const element = document.createElement(name);
    element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const plot = (svg) => {
    const [left, top, right, bottom, low, high, floor, ceiling] = svg.dataset.plot.split(" ").map(Number);
    return { left, top, right, bottom, low, high, floor, ceiling };
  };
  const pointed = (svg, event) => {
    const { left, top, right, bottom, low, high, floor, ceiling } = plot(svg);
    const box = svg.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    const down = ((event.clientY - box.top) / box.height) * svg.viewBox.baseVal.height;
    return {
      x: low + ((across - left) / (right - left)) * (high - low),
      y: floor + ((bottom - down) / (bottom - top)) * (ceiling - floor),
    };
  };
  const cursor = (svg, name, x) => {
    let line = svg.querySelector(`.${name}`);
    const { left, top, right, bottom, low, high } = plot(svg);
    if (x === null || x < low || x > high) { line?.remove(); return; }
    if (!line) {
      line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", `cursor ${name}`);
      svg.append(line);
    }
    const at = left + ((x - low) / (high - low)) * (right - left);
    for (const [key, number] of [["x1", at], ["x2", at], ["y1", top], ["y2", bottom]]) line.setAttribute(key, number);
  };
  const leave = (figure) => {
    figure.querySelector(".readout").hidden = true;
    cursor(figure.querySelector("svg"), "pointer", null);
  };
  const swatchOf = (index) => {
    const found = index === null ? null : document.querySelector(`.chip[data-series="${index}"] .swatch`);
    return found ? found.cloneNode(true) : "";
  };
  const abscissa = (content) => content.series.reduce((a, b) => (b.x.length > a.x.length ? b : a)).x;
  // Shows the values of all trackers at an abscissa; the one closest to the height y, if there is one, is in bold.
  const readout = (figure, content, at, y) => {
    const svg = figure.querySelector("svg");
    const { left, right, low, high } = plot(svg);
    const rows = content.series
      .filter((one) => !hidden.has(one.index))
      .map((one) => ({ one, y: one.y[nearest(one.x, at)] }))
      .filter((row) => row.y !== null && row.y !== undefined)
      .sort((a, b) => b.y - a.y);
    if (!rows.length) { leave(figure); return; }
    const closest = y === null ? -1 : nearest(rows.map((row) => row.y), y);
    const panel = figure.querySelector(".readout");
    panel.replaceChildren(make("b", `at ${Number(at.toFixed(3))}`));
    rows.forEach(({ one, y: height }, place) => {
      const row = make("div", "", place === closest ? "nearest" : "");
      const name = make("span", ` ${one.tracker}`);
      name.prepend(swatchOf(one.index));
      row.append(name, make("i", ` ${height.toFixed(3)}`));
      panel.append(row);
    });
    const share = (left + ((at - low) / (high - low)) * (right - left)) / svg.viewBox.baseVal.width;
    panel.classList.toggle("many", rows.length > 12);
    panel.style.left = share > 0.5 ? "auto" : `${share * 100 + 3}%`;
    panel.style.right = share > 0.5 ? `${(1 - share) * 100 + 3}%` : "auto";
    panel.hidden = false;
    cursor(svg, "pointer", at);
  };
  const readAtPointer = (figure, content, event) => {
    const svg = figure.querySelector("svg");
    const { low, high } = plot(svg);
    const { x, y } = pointed(svg, event);
    if (x < low || x > high) { leave(figure); return; }
    const places = abscissa(content);
    readout(figure, content, places[nearest(places, x)], y);
  };
  const readByKeys = (figure, content) => {
    const svg = figure.querySelector("svg");
    const { low, high } = plot(svg);
    const places = abscissa(content).filter((x) => x >= low && x <= high);
    const step = Math.max(1, Math.round(places.length / 100));
    let place = Math.floor(places.length / 2);
    svg.setAttribute("tabindex", "0");
    svg.setAttribute("aria-description", "The left and right arrow keys read the values.");
    svg.addEventListener("focus", () => { if (svg.matches(":focus-visible")) readout(figure, content, places[place], null); });
    svg.addEventListener("blur", () => leave(figure));
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: -step, ArrowRight: step, Home: -places.length, End: places.length }[event.key];
      if (event.key === "Escape") leave(figure);
      if (move === undefined) return;
      event.preventDefault();
      place = Math.max(0, Math.min(places.length - 1, place + move));
      readout(figure, content, places[place], null);
    });
  };
  for (const figure of all("[data-figure]")) {
    const content = data.figures[figure.dataset.figure];
    if (content && content.kind === "curve" && content.series.length) {
      figure.querySelector("svg").addEventListener("pointermove", (event) => readAtPointer(figure, content, event));
      figure.querySelector("svg").addEventListener("pointerleave", () => leave(figure));
      readByKeys(figure, content);
    }
    const save = figure.querySelector(".save");
    save.hidden = false;
    save.title = "Save this figure as an SVG file";
    save.addEventListener("click", () => {
      const copy = figure.querySelector("svg").cloneNode(true);
      for (const line of all(".cursor", copy)) line.remove();
      const text = new XMLSerializer().serializeToString(copy);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      link.download = `${figure.dataset.figure}.svg`;
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }

  // Players: step through the frames of a sequence.
  const draw = (player, content, strip, place) => {
    const svg = player.querySelector("svg");
    const number = content.numbers[place];
    svg.querySelector("image").setAttribute("href", `data:image/jpeg;base64,${content.pictures[place]}`);
    svg.setAttribute("aria-label", `frame ${number} of ${content.length}`);
    svg.querySelector("g").replaceChildren(...content.outlines[place].map(([index, points]) => {
      const polygon = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
      const off = hidden.has(index) ? " off" : "";
      polygon.setAttribute("class", index === null ? "truth" : `box series series-${index}${off}`);
      polygon.setAttribute("points", points.join(" "));
      return polygon;
    }));
    player.querySelector("output").textContent = `frame ${number} of ${content.length}`;
    const series = (strip && data.figures[strip.dataset.figure]?.series) ?? [];
    player.querySelector(".values").replaceChildren(...series.map((one) => {
      const y = one.y[number - 1];
      const name = one.index === null ? "" : `series series-${one.index}${hidden.has(one.index) ? " off" : ""}`;
      const row = make("li", "", name);
      row.append(swatchOf(one.index), make("span", one.tracker), make("b", y === null || y === undefined ? "-" : y.toFixed(3)));
      return row;
    }));
    if (strip) cursor(strip.querySelector("svg"), "shown", number);
  };
  for (const [key, content] of Object.entries(data.players)) {
    const player = document.getElementById(key);
    const strip = player.closest("section").querySelector('[data-figure$="-strip"]');
    const slider = player.querySelector("input");
    const play = player.querySelector(".play");
    let timer = null;
    const show = (place) => { slider.value = place; draw(player, content, strip, Number(slider.value)); };
    const stop = () => { clearInterval(timer); timer = null; play.textContent = "▶"; play.setAttribute("aria-label", "play"); };
    const start = () => {
      if (Number(slider.value) === content.numbers.length - 1) show(0);
      timer = setInterval(() => {
        show(Number(slider.value) + 1);
        if (Number(slider.value) === content.numbers.length - 1) stop();
      }, 80);
      play.textContent = "❚❚";
      play.setAttribute("aria-label", "pause");
    };
    player.hidden = false;
    slider.addEventListener("input", () => { stop(); show(slider.value); });
    play.addEventListener("click", () => { if (timer === null) start(); else stop(); });
    for (const button of all("[data-jump]", player)) {
      button.addEventListener("click", () => {
        stop();
        const shown = content[button.dataset.jump].filter((one) => !Array.isArray(one) || !hidden.has(one[1]));
        const numbers = shown.map((one) => (Array.isArray(one) ? one[0] : one));
        const now = content.numbers[Number(slider.value)];
        const next = numbers.find((number) => number > now) ?? numbers[0];
        if (next !== undefined) show(nearest(content.numbers, next));
      });
    }
    if (strip) {
      strip.querySelector("svg").addEventListener("click", (event) => {
        if (event.target.closest("a")) return;
        stop();
        show(nearest(content.numbers, pointed(strip.querySelector("svg"), event).x));
      });
    }
    slider.addEventListener("keydown", (event) => {
      if (event.key === " ") { event.preventDefault(); play.click(); }
    });
    players.push(() => show(slider.value));
    show(0);
  }
})();
