"use strict";
(function () {
  const byId = (id) => document.getElementById(id);
  const answers = JSON.parse(byId("clones").textContent);

  /* ---- small helpers: everything from the data goes in as text, never as markup ---- */
  function element(name, text, parent, kind) {
    const made = document.createElement(name);
    if (text !== null && text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    if (parent) parent.append(made);
    return made;
  }
  function share(x) {
    if (x === null) return "unknown";
    const p = 100 * x;
    return (p >= 10 ? p.toFixed(0) : p >= 1 ? p.toFixed(1) : p >= 0.001 ? String(Number(p.toPrecision(2))) : "0") + "\u00a0%";
  }
  function probability(p) {
    if (p === null) return "unknown";
    return p > 0.999 ? "> 0.999" : p < 0.001 ? "< 0.001" : p > 0.99 || p < 0.01 ? p.toFixed(3) : p.toFixed(2);
  }
  function save(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }
  const stem = (answers.patient.replace(/[^A-Za-z0-9._-]+/g, "_").slice(0, 40) || "clonalbayes");

  /* ---- the tree that answers ---- */
  const card = byId("card");
  const nodes = new Map(Array.from(document.querySelectorAll(".tree .node"), (n) => [Number(n.dataset.clone), n]));
  const clones = new Map(answers.clones.map((c) => [c.id, c]));
  let held = null;

  function fill(id) {
    const clone = clones.get(id), node = nodes.get(id);
    const colour = node.querySelector("circle").style.fill;
    card.textContent = "";
    const title = element("h4", "Clone " + id, card);
    card.style.setProperty("--c", colour);
    title.id = "card-title";
    const parent = clone.parent ? "clone " + clone.parent : "the normal cells";
    element("p", clone.n.toLocaleString("en") + " mutations. Child of " + parent + ", probability " +
      probability(clone.support) + ".", card);
    if (answers.open[id]) element("p", "Possible parents: " + answers.open[id] + ".", card);
    for (const event of clone.events) {
      const sure = event.p === null || event.p > 0.995 ? "" : ", probability " + probability(event.p);
      element("p", event.label + " (" + event.how + sure + ")", card);
    }
    const table = element("table", null, card), head = element("tr", null, element("thead", null, table));
    for (const t of ["sample", "share of all cells", "present"]) element("th", t, head).scope = "col";
    const body = element("tbody", null, table);
    answers.samples.forEach(([name, date], s) => {
      const [mean, lo, hi, , present] = clone.sizes[s], row = element("tr", null, body);
      const cell = element("td", name.length > 24 ? name.slice(0, 23) + "\u2026" : name, row);
      if (date) cell.title = date;
      const span = hi >= 1e-5 ? ", " + share(lo).replace(/\u00a0%$/, "") + " to " + share(hi) : "";
      const size = element("td", share(mean) + span, row, "size"), bar = element("div", null, size, "bar");
      element("i", null, bar).style.width = 100 * Math.min(mean || 0, 1) + "%";
      const range = element("b", null, bar);
      range.style.left = 100 * Math.min(lo || 0, 1) + "%";
      range.style.width = 100 * Math.max(Math.min(hi || 0, 1) - Math.min(lo || 0, 1), 0) + "%";
      element("td", probability(present), row);
    });
    for (const [other, n] of nodes) n.classList.toggle("shown", other === id);
  }
  function hold(id) {
    held = id;
    for (const [other, n] of nodes) n.setAttribute("aria-pressed", String(other === id));
    if (id !== null) fill(id);
  }
  function walk(from, step) {
    const order = Array.from(nodes.keys());
    const next = order[order.indexOf(from) + step];
    if (next !== undefined) nodes.get(next).focus();
  }
  for (const [id, node] of nodes) {
    node.addEventListener("pointerenter", () => { if (held === null) fill(id); });
    node.addEventListener("focus", () => { if (held === null) fill(id); });
    node.addEventListener("click", () => hold(held === id ? null : id));
    node.addEventListener("keydown", (event) => {
      const clone = clones.get(id);
      if (event.key === "Enter" || event.key === " ") hold(held === id ? null : id);
      else if (event.key === "Escape") hold(null);
      else if (event.key === "ArrowDown") walk(id, 1);
      else if (event.key === "ArrowUp") walk(id, -1);
      else if (event.key === "ArrowLeft" && clone.parent && nodes.has(clone.parent)) nodes.get(clone.parent).focus();
      else if (event.key === "ArrowRight") {
        const child = Array.from(nodes.keys()).find((other) => clones.get(other).parent === id);
        if (child !== undefined) nodes.get(child).focus();
      } else return;
      event.preventDefault();
    });
  }

  /* ---- figures as files ---- */
  const RULES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "text-anchor", "opacity"];
  function standalone(svg) {
    const copy = svg.cloneNode(true), box = svg.viewBox.baseVal;
    if (svg.classList.contains("tree")) {
      const from = svg.querySelectorAll("*"), to = copy.querySelectorAll("*");
      from.forEach((shape, i) => {
        const seen = getComputedStyle(shape);
        to[i].setAttribute("style", RULES.map((rule) => rule + ":" + seen.getPropertyValue(rule)).join(";"));
        for (const name of ["tabindex", "role", "aria-pressed"]) to[i].removeAttribute(name);
      });
    }
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("xmlns:xlink", "http://www.w3.org/1999/xlink");
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    let text = new XMLSerializer().serializeToString(copy);
    text = text.replace(/var\(--k[0-9a-f]{6}, ?(#[0-9a-f]{6})\)/g, "$1");
    return { text: text, width: box.width, height: box.height, dark: svg.classList.contains("tree") };
  }
  function paper(dark) {
    return dark ? getComputedStyle(document.documentElement).getPropertyValue("--paper").trim() || "#ffffff" : "#ffffff";
  }
  function toPng(svg, done) {
    const made = standalone(svg), scale = Math.min(Math.max(2000 / made.width, 1.5), 4);
    const url = URL.createObjectURL(new Blob([made.text], { type: "image/svg+xml" })), image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(made.width * scale);
      canvas.height = Math.round(made.height * scale);
      const pen = canvas.getContext("2d");
      pen.fillStyle = paper(made.dark);
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      URL.revokeObjectURL(url);
      canvas.toBlob(done, "image/png");
    };
    image.onerror = () => { URL.revokeObjectURL(url); done(null); };
    image.src = url;
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-save]");
    if (!button) return;
    const figure = button.closest("figure"), svg = figure.querySelector(".canvas svg");
    const name = stem + "_" + figure.dataset.name;
    if (button.dataset.save === "svg") save(new Blob([standalone(svg).text], { type: "image/svg+xml" }), name + ".svg");
    else toPng(svg, (blob) => { if (blob) save(blob, name + ".png"); });
  });

  /* ---- packed tables ---- */
  const texts = new Map();
  async function unpack(name) {
    if (texts.has(name)) return texts.get(name);
    const held = Array.from(document.querySelectorAll("script.packed")).find((p) => p.dataset.name === name);
    const binary = atob(held.textContent.trim()), bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    let out;
    if (typeof DecompressionStream === "function") {
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      out = new Uint8Array(await new Response(stream).arrayBuffer());
    } else out = inflate(bytes, 10); // the packer writes the plain header of ten bytes
    const text = new TextDecoder("utf-8").decode(out);
    texts.set(name, text);
    return text;
  }
  /* RFC 1951, for browsers without DecompressionStream */
  function inflate(data, at) {
    const size = new DataView(data.buffer).getUint32(data.length - 4, true);
    let out = new Uint8Array(size || 1), end = 0, held = 0, count = 0;
    const bit = () => { if (!count) { held = data[at++]; count = 8; } const b = held & 1; held >>= 1; count--; return b; };
    const bits = (n) => { let v = 0; for (let i = 0; i < n; i++) v |= bit() << i; return v; };
    const put = (byte) => { out[end++] = byte; };
    function code(lengths) {
      const counts = new Uint16Array(16), offsets = new Uint16Array(16), symbols = new Uint16Array(lengths.length);
      for (const n of lengths) counts[n]++;
      counts[0] = 0;
      for (let i = 1; i < 16; i++) offsets[i] = offsets[i - 1] + counts[i - 1];
      lengths.forEach((n, s) => { if (n) symbols[offsets[n]++] = s; });
      return { counts: counts, symbols: symbols };
    }
    function decode(table) {
      let value = 0, first = 0, index = 0;
      for (let n = 1; n < 16; n++) {
        value |= bit();
        const c = table.counts[n];
        if (value - c < first) return table.symbols[index + value - first];
        index += c; first = (first + c) << 1; value <<= 1;
      }
      throw new Error("broken data");
    }
    const BASE = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    const MORE = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    const FAR = [], EXTRA = [];
    for (let i = 0, far = 1; i < 30; i++) { EXTRA[i] = i < 2 ? 0 : (i >> 1) - 1; FAR[i] = far; far += 1 << EXTRA[i]; }
    const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let last;
    do {
      last = bit();
      const kind = bits(2);
      if (kind === 0) {
        count = 0;
        const n = data[at] | (data[at + 1] << 8);
        at += 4;
        for (let i = 0; i < n; i++) put(data[at++]);
        continue;
      }
      let lit, dist;
      if (kind === 1) {
        const l = [];
        for (let i = 0; i < 288; i++) l.push(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
        lit = code(l); dist = code(new Array(30).fill(5));
      } else {
        const nl = bits(5) + 257, nd = bits(5) + 1, nc = bits(4) + 4, l = new Array(19).fill(0);
        for (let i = 0; i < nc; i++) l[ORDER[i]] = bits(3);
        const lengths = code(l), all = [];
        while (all.length < nl + nd) {
          const s = decode(lengths);
          if (s < 16) { all.push(s); continue; }
          const value = s === 16 ? all[all.length - 1] : 0;
          for (let r = s === 16 ? 3 + bits(2) : s === 17 ? 3 + bits(3) : 11 + bits(7); r > 0; r--) all.push(value);
        }
        lit = code(all.slice(0, nl)); dist = code(all.slice(nl));
      }
      for (let s = decode(lit); s !== 256; s = decode(lit)) {
        if (s < 256) { put(s); continue; }
        const n = BASE[s - 257] + bits(MORE[s - 257]), d = decode(dist), from = end - (FAR[d] + bits(EXTRA[d]));
        for (let i = 0; i < n; i++) put(out[from + i]);
      }
    } while (!last);
    return out.subarray(0, end);
  }

  /* ---- the viewer: sorted, searched, a page at a time ---- */
  const PAGE = 50, view = { name: "", head: [], rows: [], shown: [], page: 0, by: -1, down: false };
  function cells(line) { // fields with tabs or breaks are quoted
    if (!line.includes('"')) return line.split("\t");
    const out = [];
    line.replace(/("(?:[^"]|"")*"|[^\t]*)(\t|$)/g, (_, f, sep) => {
      if (out.done) return "";
      out.push(f.startsWith('"') ? f.slice(1, -1).replace(/""/g, '"') : f);
      if (!sep) out.done = true;
      return "";
    });
    return out;
  }
  function lines(text) { // a break inside quotes does not end a line
    const raw = text.replace(/\n$/, "").split("\n"), out = [];
    if (!text.includes('"')) return raw;
    let open = "";
    for (const part of raw) {
      open = open ? open + "\n" + part : part;
      if ((open.split('"').length - 1) % 2 === 0) { out.push(open); open = ""; }
    }
    return out;
  }
  async function show(name) {
    const all = lines(await unpack(name));
    Object.assign(view, { name: name, head: cells(all[0]), rows: all.slice(1), page: 0, by: -1, down: false });
    byId("viewer").hidden = false;
    byId("viewer-title").textContent = name;
    byId("search").value = "";
    view.shown = view.rows;
    draw();
    byId("viewer").scrollIntoView({ block: "start" });
  }
  function find() {
    const wanted = byId("search").value.trim().toLowerCase();
    view.shown = wanted ? view.rows.filter((r) => r.toLowerCase().includes(wanted)) : view.rows;
    if (view.by >= 0) sort();
    view.page = 0;
    draw();
  }
  function sort() {
    const keyed = view.shown.map((row) => { const c = cells(row)[view.by] || ""; return [c === "" || isNaN(c) ? null : Number(c), c, row]; });
    const sign = view.down ? -1 : 1;
    keyed.sort((a, b) => sign * (a[0] !== null && b[0] !== null ? a[0] - b[0] :
      a[0] !== null ? -1 : b[0] !== null ? 1 : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0));
    view.shown = keyed.map((k) => k[2]);
  }
  function draw() {
    const table = byId("rows"), pages = Math.max(Math.ceil(view.shown.length / PAGE), 1);
    table.textContent = "";
    element("caption", view.name, table);
    const head = element("tr", null, element("thead", null, table)), body = element("tbody", null, table);
    view.head.forEach((title, i) => {
      const cell = element("th", null, head);
      cell.scope = "col";
      cell.setAttribute("aria-sort", view.by === i ? (view.down ? "descending" : "ascending") : "none");
      const button = element("button", title + (view.by === i ? (view.down ? " \u25bc" : " \u25b2") : ""), cell);
      button.type = "button";
      button.addEventListener("click", () => {
        view.down = view.by === i && !view.down;
        view.by = i;
        sort();
        view.page = 0;
        draw();
        byId("rows").querySelectorAll("th button")[i].focus();
      });
    });
    for (const row of view.shown.slice(view.page * PAGE, (view.page + 1) * PAGE)) {
      const line = element("tr", null, body), own = cells(row);
      view.head.forEach((_, i) => { const c = element("td", own[i] || "", line); if ((own[i] || "").length > 40) c.title = own[i]; });
    }
    byId("count").textContent = view.shown.length.toLocaleString("en") + " of " + view.rows.length.toLocaleString("en") + " rows";
    byId("pages").textContent = "page " + (view.page + 1) + " of " + pages;
    byId("previous").disabled = view.page === 0;
    byId("next").disabled = view.page >= pages - 1;
  }
  document.addEventListener("click", async (event) => {
    const shown = event.target.closest("button[data-table]"), wanted = event.target.closest("button[data-download]");
    if (shown) show(shown.dataset.table);
    if (wanted) save(new Blob([await unpack(wanted.dataset.download)], { type: "text/plain;charset=utf-8" }), wanted.dataset.download);
  });
  byId("previous").addEventListener("click", () => { view.page--; draw(); });
  byId("next").addEventListener("click", () => { view.page++; draw(); });
  let waiting = 0;
  byId("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, 150); });

  /* ---- methods ---- */
  byId("copy").addEventListener("click", async () => {
    const text = byId("methods-text"), said = byId("copied");
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied.";
    } catch (error) { // files without a server may not write: mark it, so that one key copies
      const range = document.createRange();
      range.selectNodeContents(text);
      const chosen = getSelection();
      chosen.removeAllRanges();
      chosen.addRange(range);
      said.textContent = "Marked: copy it with Ctrl+C.";
    }
  });
})();
