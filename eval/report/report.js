// The table of questions. Everything from the run enters the page as text, never as markup.
"use strict";

const rows = JSON.parse(document.getElementById("data").textContent);
const OUTCOMES = {};
for (const chip of document.querySelectorAll("[data-outcome]")) OUTCOMES[chip.dataset.outcome] = chip.textContent.replace(/ \d+$/, "");
const body = document.querySelector("#rows tbody");
const search = document.getElementById("search");
const selects = [...document.querySelectorAll("[data-field]")];
let wanted = "";

function make(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-")) node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const share = (value) => (value === null ? "" : `${Math.round(100 * value)}%`);
const verdict = (good, yes, no) => make("b", {}, good ? `✓ ${yes}` : `✗ ${no}`);

function squeeze(text) {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/g, "");
}

function words(row) {
  const said = row.citations.map((citation) => citation.quote + citation.title);
  return squeeze([row.id, row.question, row.answer, row.error ?? "", row.reason ?? "", ...said, ...row.evidence.map((span) => span.text), ...row.facts.flatMap((fact) => fact.forms)].join("\n"));
}

// One question

function section(title, ...children) {
  return children.some((child) => child) ? [make("h3", {}, title), ...children] : [];
}

function answerText(row) {
  const parts = row.answer.split(/(\[\d+\])/).map((part) => {
    const marker = /^\[(\d+)\]$/.exec(part);
    const cited = marker && row.citations.some((citation) => citation.marker === Number(marker[1]));
    return cited ? make("a", { className: "marker", href: `#q-${row.id}:${marker[1]}` }, part) : part;
  });
  return make("p", { className: "answer" }, ...parts);
}

function citationItem(row, citation) {
  const kind = row.evidence.length === 0 ? "" : citation.about ? "yes" : "no";
  return make("li", { className: kind, id: `q-${row.id}:${citation.marker}` },
    `[${citation.marker}] `, kind && verdict(citation.about, "切题", "不切题"),
    make("div", { className: "source" }, [citation.title, citation.section].filter(Boolean).join(" › "), make("br"), citation.place),
    make("blockquote", { className: kind }, citation.quote));
}

function evidenceItem(span) {
  const kind = span.cited ? "yes" : "no";
  return make("li", { className: kind }, verdict(span.cited, "已引到", "没有引到"), make("blockquote", { className: kind }, span.text));
}

function factItem(fact) {
  return make("li", { className: fact.stated ? "yes" : "no" }, verdict(fact.stated, "", ""), fact.forms.join(" / "));
}

function forbidItem(item) {
  return make("li", { className: item.said ? "no" : "yes" }, item.figure, " ", verdict(!item.said, "没有出现", "出现了"));
}

function number(name, value) {
  return make("span", {}, `${name} `, make("b", {}, String(value)));
}

function detail(row) {
  const left = make("div", {},
    ...section("回答", row.error === null ? answerText(row) : make("p", { className: "no" }, make("b", {}, row.error))),
    ...section("拒答原因", row.reason && make("p", {}, row.reason)),
    ...section("引文", row.citations.length && make("ul", { className: "cited" }, ...row.citations.map((citation) => citationItem(row, citation)))),
    ...section(`前次：${row.earlier?.outcome}`, row.earlier && make("p", { className: "answer" }, row.earlier.answer)));
  const right = make("div", {},
    ...section("必需事实", row.facts.length ? make("ul", { className: "facts" }, ...row.facts.map(factItem)) : make("p", {}, "文件中没有答案，应当拒答。")),
    ...section("只有错误回答才有的数字", row.forbid.length && make("ul", { className: "facts" }, ...row.forbid.map(forbidItem))),
    ...section("标准依据", row.evidence.length && make("ul", { className: "evidence" }, ...row.evidence.map(evidenceItem))),
    ...section("文件", make("p", { className: "source" }, row.docs.join("，"))),
    ...section("说明", row.note && make("p", {}, row.note)));
  const history = row.history.length
    ? make("div", { className: "history" }, ...section("前面的对话", ...row.history.map((turn) => make("p", {}, `${turn.role === "user" ? "问" : "答"}：${turn.content}`))))
    : null;
  const numbers = make("div", { className: "numbers" },
    ...row.scores.map(([name, value]) => number(name, value)),
    ...row.ranks.map(([stage, rank]) => number(`${stage}，首个依据`, rank)),
    row.judge === null ? null : number("评判模型（参考）", row.judge));
  return make("tr", { className: "detail" }, make("td", { colSpan: 8 }, make("div", { className: "pages" }, history, left, right, numbers)));
}

function build(row) {
  const toggle = make("button", { type: "button", className: "toggle", "aria-expanded": "false" }, row.question, make("small", {}, row.id));
  const line = make("tr", { className: "row", id: `q-${row.id}` },
    make("td", {}, make("span", { className: `badge ${row.outcome}` }, OUTCOMES[row.outcome])),
    make("td", {}, toggle),
    make("td", { className: "kind" }, row.type), make("td", { className: "kind" }, row.style), make("td", { className: "kind" }, row.part),
    make("td", { className: "kind n" }, share(row.recall)),
    make("td", { className: "kind n" }, row.confidence.toFixed(2)), make("td", { className: "kind n" }, String(Math.round(row.latency))));
  line.addEventListener("click", () => open(row, row.detail === null));
  return Object.assign(row, { line, toggle, detail: null, words: words(row) });
}

function open(row, wish) {
  if (wish === (row.detail !== null)) return;
  if (wish) {
    const built = detail(row);
    row.line.after(built);
    row.detail = built;
  } else {
    row.detail.remove();
    row.detail = null;
  }
  row.line.classList.toggle("open", wish);
  row.toggle.setAttribute("aria-expanded", String(wish));
}

// Which are shown

function fits(row, sought) {
  return (wanted === "" || row.outcome === wanted)
    && selects.every((select) => select.value === "" || (Array.isArray(row[select.dataset.field]) ? row[select.dataset.field].includes(select.value) : row[select.dataset.field] === select.value))
    && sought.every((word) => row.words.includes(word));
}

function filter() {
  const sought = search.value.split(/\s+/).map(squeeze).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const fit = fits(row, sought);
    row.line.hidden = !fit;
    if (row.detail !== null) row.detail.hidden = !fit;
    shown += Number(fit);
  }
  document.getElementById("count").textContent = `显示 ${shown} 题，共 ${rows.length} 题`;
  document.getElementById("none").hidden = shown > 0;
}

function choose(outcome) {
  wanted = outcome;
  for (const chip of document.querySelectorAll("[data-outcome]")) chip.setAttribute("aria-pressed", String(chip.dataset.outcome === outcome));
  filter();
}

function clear() {
  search.value = "";
  for (const select of selects) select.value = "";
  choose("");
}

// #q-ID opens a question, #q-ID:2 shows its second citation.
function follow() {
  const [name, marker] = decodeURIComponent(location.hash.slice(1)).split(/:(?=\d+$)/);
  for (const marked of document.querySelectorAll(".target")) marked.classList.remove("target");
  const row = rows.find((candidate) => `q-${candidate.id}` === name);
  if (!row) return;
  if (row.line.hidden) clear();
  open(row, true);
  const target = marker === undefined ? row.line : document.getElementById(`${name}:${marker}`);
  if (marker === undefined) row.toggle.focus({ preventScroll: true });
  else target?.classList.add("target");
  target?.scrollIntoView({ block: marker === undefined ? "start" : "center" });
}

body.append(...rows.map((row) => build(row).line));
filter();
follow();

document.querySelector(".chips").addEventListener("click", (event) => {
  if (event.target.dataset.outcome !== undefined) choose(event.target.dataset.outcome);
});
document.getElementById("filters").addEventListener("input", filter);
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
document.getElementById("filters").addEventListener("reset", (event) => {
  event.preventDefault();
  clear();
});
addEventListener("hashchange", follow);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape") {
    clear();
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) && document.activeElement.classList.contains("toggle")) {
    const toggles = rows.filter((row) => !row.line.hidden).map((row) => row.toggle);
    const next = toggles[toggles.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
});
