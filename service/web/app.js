// @ts-check
// The chat page: asks /api/ask, shows each sentence with its markers, opens sources at the exact characters.
// Offsets are Unicode code points, so text is cut through Array.from, and all of it enters the page as text nodes.

/**
 * @typedef {{path: string, line_start: number, line_end: number, page: number | null}} Origin
 * @typedef {{marker: number, doc_id: string, title: string, start: number, end: number, quote: string,
 *   section: string[], origin: Origin, doc_sha256: string, published: string, validity: string}} Citation
 * @typedef {{passage_id: string, doc_id: string, start: number, end: number, score: number, text: string}} Passage
 * @typedef {{text: string, citations: number[], verdict: string}} Sentence
 * @typedef {{id: string, question: string, status: 'answered' | 'partial' | 'refused', answer: string,
 *   reason: string | null, sentences: Sentence[], citations: Citation[], passages: Passage[],
 *   timings: Record<string, number>}} Answer
 * @typedef {{doc_id: string, title: string, source_title: string, issuer: string, region: string, published: string,
 *   kind: string, period: string, note: string, characters: number, passages: number}} DocumentInfo
 * @typedef {{title: string, path: string[], depth: number, start: number, end: number}} Section
 * @typedef {DocumentInfo & {text: string, outline: Section[]}} FullDocument
 * @typedef {{title: string, place?: (Node | string)[], parts: Node[], mark?: HTMLElement}} View
 */

const HISTORY_LENGTH = 6;
const NEAREST_SHOWN = 3;
const CLOSING = /^[。！？；：，、…”’）》」』】!?;,.)]+/;
const STATUS = { answered: '', partial: '部分回答', refused: '原文中没有找到答案' };
/** @type {Record<string, string>} */
const VALIDITY = { unknown: '效力未标注', valid: '现行有效', amended: '已修订', repealed: '已废止', expired: '已失效' };

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const question = /** @type {HTMLTextAreaElement} */ (byId('question'));
const composer = /** @type {HTMLFormElement} */ (byId('composer'));
const send = /** @type {HTMLButtonElement} */ (byId('send'));
const [scroller, empty, messages, panel, peek, live] =
  ['scroller', 'empty', 'messages', 'source-panel', 'peek', 'live'].map(byId);
const sheet = window.matchMedia('(max-width: 999px)'); // the panel covers the page; style.css has the same widths
const columns = window.matchMedia('(min-width: 1600px)'); // the panel has room for the outline beside the text

/** @type {{role: 'user' | 'assistant', content: string}[]} */
let turns = [];
/** @type {AbortController | null} */
let running = null;
/** @type {Element | null} */
let opener = null; // gets the focus back when the panel closes
let panelTicket = 0; // only the latest opening may fill the panel
/** @type {Map<string, Citation>} */
const cited = new Map(); // what an answer said about a place, by its address
/** @type {Map<string, string>} */
const titles = new Map(); // of the documents, by id; passages come without

// --- small helpers

/**
 * An element; `spec` is its tag and classes ("p.note"), a function among the attributes is a listener, null leaves it out.
 * @param {string} spec
 * @param {Record<string, string | number | boolean | null | (() => void)>} [attributes]
 * @param {...(Node | string | null)} children strings become text nodes
 */
function h(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

/** @param {string} name @param {string} label @param {() => void} click */
const button = (name, label, click) => h(`button.quiet.${name}`, { type: 'button', click }, label);

const withoutStars = (/** @type {string} */ text) => text.split('**').join('');

/** One line without markup, of at most `limit` characters. @param {string} text @param {number} limit */
function brief(text, limit) {
  const line = withoutStars(text).replace(/^#+\s+/gm, '').replace(/\s*\n\s*/g, ' ').trim();
  const characters = Array.from(line);
  return characters.length > limit ? `${characters.slice(0, limit).join('')}…` : line;
}

/** "2022-11" → "2022年11月"; anything else as it is. @param {string} date */
function chineseDate(date) {
  const [, year, month, day] = /^(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?$/.exec(date) ?? [];
  return year ? `${year}年${month ? `${Number(month)}月` : ''}${day ? `${Number(day)}日` : ''}` : date;
}

function lines(/** @type {Origin} */ { page, line_start: first, line_end: last }) {
  if (page) return `第${page}页`;
  return first === last ? `第${first}行` : `第${first}–${last}行`;
}

/** @param {...string} parts */
const dotted = (...parts) => parts.filter(Boolean).join(' · ');
const validity = (/** @type {Citation} */ citation) => VALIDITY[citation.validity] ?? citation.validity;
const sectionPath = (/** @type {Citation} */ citation) => citation.section.map(withoutStars).join(' › ');
/** @param {DocumentInfo} info */
const about = (info) => dotted(info.issuer, info.region, chineseDate(info.published), info.period, info.kind);
const encodePath = (/** @type {string} */ docId) => docId.split('/').map(encodeURIComponent).join('/');
/** @param {{doc_id: string, start: number, end: number}} at */
const address = (at) => `/d/${encodePath(at.doc_id)}#char=${at.start},${at.end}`;
const isAbort = (/** @type {unknown} */ error) => error instanceof DOMException && error.name === 'AbortError';
const messageOf = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

/** The JSON at `path`; fails with a message for people. @param {string} path @param {RequestInit} [init] */
async function call(path, init) {
  const response = await fetch(path, init).catch((error) => {
    throw isAbort(error) ? error : new Error('连不上服务，请检查网络后重试。');
  });
  const body = await response.json().catch((error) => { if (isAbort(error)) throw error; });
  if (response.ok && body) return body;
  const said = [body?.detail, body?.title].find((text) => text && typeof text === 'string');
  throw new Error(said ?? `服务没有给出可用的回复（${response.status}），请稍后重试。`);
}

/** @returns {Promise<DocumentInfo[]>} */
async function documents() {
  const { documents: list } = await call('/api/documents');
  for (const info of list) titles.set(info.doc_id, info.title);
  return list;
}

// --- asking

function ask(/** @type {string} */ text) {
  if (running || !text) return;
  empty.hidden = true;
  byId('new-chat').hidden = false;
  const card = h('article.answer', { 'aria-label': `回答：${brief(text, 40)}` });
  messages.append(h('div.question', {}, h('p', {}, text)), card);
  void answerInto(card, text);
}

/** @param {HTMLElement} card @param {string} text */
async function answerInto(card, text) {
  const controller = new AbortController();
  running = controller;
  refreshComposer();
  const began = Date.now();
  const clock = h('span.clock', { 'aria-hidden': 'true' });
  const ticking = setInterval(() => {
    const seconds = Math.round((Date.now() - began) / 1000);
    if (seconds >= 3) clock.textContent = `已用 ${seconds} 秒`;
  }, 1000);
  card.dataset.status = 'busy';
  card.setAttribute('aria-busy', 'true');
  card.replaceChildren(h('p.busy', {}, h('span.pulse'), '正在检索并核对原文', clock));
  live.textContent = '正在检索并核对原文';
  card.previousElementSibling?.scrollIntoView({ block: 'start' });
  try {
    /** @type {Answer} */
    const answer = await call('/api/ask', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ question: text, history: turns.slice(-HISTORY_LENGTH) }),
      signal: controller.signal,
    });
    if (answer.passages.some((passage) => !titles.has(passage.doc_id))) await documents().catch(() => []);
    if (controller.signal.aborted) throw new DOMException('', 'AbortError');
    turns.push({ role: 'user', content: text }, { role: 'assistant', content: answer.answer });
    card.dataset.status = answer.status;
    card.replaceChildren(...answerParts(answer));
    live.textContent = `${STATUS[answer.status]} ${withoutStars(answer.answer)} 引用${answer.citations.length}处`;
  } catch (error) {
    const stopped = isAbort(error);
    card.dataset.status = stopped ? 'stopped' : 'error';
    const retry = button('retry', '重试', () => { if (!running) void answerInto(card, text); });
    card.replaceChildren(
      h('p.failure', {}, stopped ? '已停止，没有得到回答。' : h('strong', {}, '这次没有问成：'), stopped ? null : messageOf(error)),
      h('p.tools', {}, retry),
    );
    live.textContent = card.firstChild?.textContent ?? '';
  } finally {
    clearInterval(ticking);
    card.removeAttribute('aria-busy');
    if (running === controller) running = null;
    refreshComposer();
    if (card.isConnected) card.previousElementSibling?.scrollIntoView({ block: 'start' });
  }
}

function refreshComposer() {
  send.hidden = running !== null;
  byId('stop').hidden = running === null;
  send.disabled = question.value.trim() === '';
  question.style.height = 'auto';
  question.style.height = `${question.scrollHeight}px`;
}

// --- answers

/** @param {Answer} answer @returns {Node[]} */
function answerParts(answer) {
  const { citations, passages } = answer;
  for (const citation of citations) cited.set(address(citation), citation);
  const refused = answer.status === 'refused';
  // A reason may be a code for programs; people get it only when it is written for them.
  const reason = answer.reason && /\p{Script=Han}/u.test(answer.reason) ? answer.reason : null;
  const nearest = refused ? passages.slice(0, NEAREST_SHOWN) : [];
  /** @param {'ul' | 'ol'} tag @param {Passage[]} shown */
  const list = (tag, shown) => h(tag, {}, ...shown.map(passageItem));
  return [
    STATUS[answer.status] ? h('p.status', {}, STATUS[answer.status]) : [],
    answerText(answer),
    reason ? h('p.reason', {}, h('span.label', {}, refused ? '原因' : '说明'), reason) : [],
    citations.length ? h('ol.citations', { 'aria-label': '引用的原文' }, ...citations.map(citationItem)) : [],
    nearest.length ? h('div.nearest', {}, h('h3', {}, '最接近的段落'), list('ul', nearest)) : [],
    passages.length > nearest.length
      ? h('details.passages', {}, h('summary', {}, `检索到的段落（${passages.length}）`), list('ol', passages)) : [],
    answerTools(answer),
  ].flat();
}

function answerTools(/** @type {Answer} */ answer) {
  const copy = button('copy', '复制', () => void copyText(footnoted(answer)).then((done) => {
    copy.textContent = done ? '已复制' : '复制失败';
    live.textContent = copy.textContent;
    setTimeout(() => { copy.textContent = '复制'; }, 2000);
  }));
  const total = answer.timings?.total_ms;
  return h('p.tools', {}, copy, total === undefined ? null : h('span.timing', {}, `用时 ${(total / 1000).toFixed(2)} 秒`));
}

/**
 * The answer as paragraphs of sentences. The line ends and any words between sentences are taken from `answer.answer`;
 * should a sentence not stand in it, the answer is shown as it is.
 * @param {Answer} answer
 */
function answerText(answer) {
  const box = h('div.answer-text');
  let line = box.appendChild(h('p'));
  /** @param {string} text @param {(text: string) => Node | string} wrap */
  const add = (text, wrap) => text.split('\n').forEach((part, i) => {
    if (i && line.hasChildNodes()) line = box.appendChild(h('p'));
    if (part.trim()) line.append(wrap(part));
  });
  const markers = new Map(answer.citations.map((citation) => [citation.marker, citation]));
  /** @param {string} text */
  const plain = (text) => withoutStars(text).replace(/\[(\d+)\]/g, (all, n) => (markers.has(Number(n)) ? '' : all));
  const whole = plain(answer.answer);
  let at = 0;
  const spots = answer.sentences.map((sentence) => {
    const text = plain(sentence.text).trim();
    const start = whole.indexOf(text, at);
    if (start >= 0) at = start + text.length;
    return { sentence, start, end: at };
  });
  if (!spots.length || spots.some((spot) => spot.start < 0)) {
    add(withoutStars(answer.answer), (part) => marked(h('span'), part, markers));
  } else {
    at = 0;
    for (const { sentence, start, end } of spots) {
      add(whole.slice(at, start), String);
      const closing = CLOSING.exec(whole.slice(end))?.[0] ?? '';
      const own = new Map([...markers].filter(([n]) => sentence.citations.includes(n)));
      const text = withMarkers(withoutStars(sentence.text).trim(), [...own.keys()]) + closing;
      line.append(marked(h('span.sentence', { 'data-verdict': sentence.verdict }), text, own));
      at = end + closing.length;
    }
    add(whole.slice(at), String);
  }
  for (const p of box.children) bulleted(p);
  return box;
}

/** Puts [n] before the closing punctuation, unless it is there. @param {string} text @param {number[]} markers */
function withMarkers(text, markers) {
  if (markers.some((n) => text.includes(`[${n}]`))) return text;
  const cut = text.search(/[。！？；：，!?;]*$/);
  return text.slice(0, cut) + markers.map((n) => `[${n}]`).join('') + text.slice(cut);
}

/** Appends `text` with its [n] as buttons. @param {HTMLElement} node @param {string} text @param {Map<number, Citation>} own */
function marked(node, text, own) {
  // A marker stays on one line with the character before it and the punctuation after it.
  for (const run of text.split(/([^\s[\]]?(?:\[\d+\])+[。！？；：，、…”’）》」』】!?;,.)]*)/u)) {
    const parts = run.split(/(\[\d+\])/).filter(Boolean).map((part) => {
      const citation = own.get(Number(/^\[(\d+)\]$/.exec(part)?.[1]));
      return citation ? markerButton(citation) : part;
    });
    if (parts.length > 1) node.append(h('span.tail', {}, ...parts));
    else node.append(...parts);
  }
  return node;
}

const markerButton = (/** @type {Citation} */ citation) => h('button.marker', {
  type: 'button', 'data-marker': citation.marker, 'data-open': address(citation), 'aria-label': `引用${citation.marker}，打开原文`,
}, String(citation.marker));

/** A line that starts with a dash becomes a list item. @param {Element} line */
function bulleted(line) {
  const first = document.createTreeWalker(line, NodeFilter.SHOW_TEXT).nextNode();
  if (!(first instanceof Text) || !/^\s*[-•·]\s/.test(first.data)) return;
  first.data = first.data.replace(/^\s*[-•·]\s+/, '');
  line.classList.add('item');
}

const citationItem = (/** @type {Citation} */ citation) => h('li.citation', { 'data-marker': citation.marker },
  h('a', { href: address(citation), 'data-open': true },
    h('span.number', {}, String(citation.marker)),
    h('span.quote', {}, brief(citation.quote, 90)),
    h('span.from', {}, h('span.title', {}, citation.title), citation.section.length ? ` › ${sectionPath(citation)}` : null),
    h('span.where', {}, dotted(lines(citation.origin), chineseDate(citation.published), validity(citation)))));

const passageItem = (/** @type {Passage} */ passage) => h('li.passage', { 'data-passage': passage.passage_id },
  h('a', { href: address(passage), 'data-open': true },
    h('span.title', {}, titles.get(passage.doc_id) ?? passage.doc_id),
    h('span.quote', {}, brief(passage.text, 110))));

/** The answer with footnotes, for the clipboard. @param {Answer} answer */
function footnoted(answer) {
  const notes = answer.citations.map((citation) => {
    const title = citation.title.includes('《') ? citation.title : `《${citation.title}》`;
    const where = [sectionPath(citation), lines(citation.origin), chineseDate(citation.published), validity(citation)];
    return `[${citation.marker}] ${title}，${where.filter(Boolean).join('，')}。原文：${withoutStars(citation.quote)}`;
  });
  return [`问：${answer.question}`, `答：${withoutStars(answer.answer)}`, ...(notes.length ? ['引用', ...notes] : [])].join('\n');
}

/** The clipboard API exists only on https and localhost; elsewhere the old command must do. @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = /** @type {HTMLTextAreaElement} */ (h('textarea.sr', {}, text));
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

// --- source panel: the address says what it shows

/** What a link or marker opens. @param {Element} node */
const target = (node) => node.getAttribute('data-open') || node.getAttribute('href') || '';

function navigate(/** @type {string} */ to) {
  if (panel.hidden) {
    opener = document.activeElement;
    history.pushState({ panel: true }, '', to);
  } else {
    history.replaceState(history.state, '', to); // one step back always closes the panel
  }
  route();
}

function closePanel() {
  if (history.state?.panel) return history.back();
  history.replaceState(null, '', '/');
  return route();
}

/** Shows what the address asks for. */
function route() {
  const { pathname, hash } = location;
  hidePeek();
  for (const link of document.querySelectorAll('[data-open]')) {
    link.classList.toggle('current', target(link) === pathname + hash);
  }
  if (pathname.startsWith('/d/')) {
    const [, start, end] = /char=(\d+),(\d+)/.exec(hash) ?? [];
    void show('document', () => documentView(pathname.slice(3), end ? [Number(start), Number(end)] : null));
  } else if (hash === '#documents') {
    void show('documents', documentsView);
  } else if (!panel.hidden) {
    panelTicket += 1;
    panel.hidden = true;
    layOut();
    (opener instanceof HTMLElement && opener.isConnected ? opener : question).focus({ preventScroll: true });
    hidePeek(); // the focus alone would bring it back
  }
}

/** @param {string} view @param {() => Promise<View>} load */
async function show(view, load) {
  panelTicket += 1;
  const ticket = panelTicket;
  panel.setAttribute('aria-busy', 'true');
  if (panel.hidden) {
    panel.hidden = false;
    layOut();
    fillPanel({ title: '正在载入…', parts: [] });
  }
  panel.focus({ preventScroll: true });
  /** @type {View} */
  let loaded;
  try {
    loaded = await load();
  } catch (error) {
    const parts = [h('p.failure', { role: 'alert' }, messageOf(error)), h('p.tools', {}, button('retry', '重试', route))];
    loaded = { title: view === 'documents' ? '没能载入文件目录' : '没能打开原文', parts };
  }
  if (ticket !== panelTicket) return;
  panel.removeAttribute('aria-busy');
  panel.dataset.view = view;
  fillPanel(loaded);
}

/** @param {View} view */
function fillPanel({ title, place = [], parts, mark }) {
  byId('source-title').textContent = title;
  byId('source-place').replaceChildren(...place);
  byId('source-body').replaceChildren(...parts);
  byId('show-outline').hidden = document.getElementById('outline') === null;
  panel.style.setProperty('--head', `${byId('source-head').offsetHeight}px`);
  document.querySelector('#outline [aria-current]')?.scrollIntoView({ block: 'center' }); // inside the outline's own list
  panel.scrollTop = 0;
  mark?.scrollIntoView({ block: 'center' });
}

/** While the panel covers the page, the page behind it takes no focus. */
function layOut() {
  for (const id of ['masthead', 'chat']) byId(id).toggleAttribute('inert', !panel.hidden && sheet.matches);
}

/** @returns {Promise<View>} */
async function documentsView() {
  const list = await documents();
  const items = list.map((info) => h('li', {}, h('a', { href: `/d/${encodePath(info.doc_id)}`, 'data-open': true },
    h('span.title', {}, info.title),
    h('span.where', {}, dotted(about(info), `${info.characters.toLocaleString('zh-CN')}字`)))));
  return { title: `文件目录（${list.length}）`, parts: [items.length ? h('ul.documents', {}, ...items) : h('p', {}, '还没有收录文件。')] };
}

/**
 * @param {string} encoded the document's id as it stands in the address
 * @param {[number, number] | null} span @returns {Promise<View>}
 */
async function documentView(encoded, span) {
  /** @type {FullDocument} */
  const source = await call(`/api/documents/${encoded}`);
  const characters = Array.from(source.text);
  const text = h('div.document');
  const marks = fillDocument(text, characters, source.outline, span);
  const original = source.source_title && source.source_title !== source.title ? `原题：${source.source_title}` : '';
  return {
    title: source.title,
    place: span ? placeLine(marks[0], cited.get(location.pathname + location.hash), characters.slice(...span).join('')) : [],
    parts: [
      source.outline.length ? outlineView(source.outline, text, span) : [],
      h('div.reading', {}, h('p.where', {}, dotted(about(source), original)), source.note ? h('p.note', {}, source.note) : null, text),
    ].flat(),
    mark: marks[0],
  };
}

/** @param {HTMLElement | undefined} mark @param {Citation | undefined} citation @param {string} found */
function placeLine(mark, citation, found) {
  if (!mark) return [h('span.warning', {}, '文件里没有这个位置，可能在提问之后更新过。')];
  const words = citation ? dotted('引文', lines(citation.origin), validity(citation)) : '所查位置已高亮';
  const changed = citation && citation.quote !== found;
  return [
    changed ? h('span.warning', {}, '此处文字与引文不一致，文件可能在提问之后更新过。') : words,
    button('back-to-mark', '回到高亮处', () => mark.scrollIntoView({ block: 'center' })),
  ];
}

/** @param {Section[]} outline @param {HTMLElement} text @param {[number, number] | null} span */
function outlineView(outline, text, span) {
  const here = span ? outline.filter((section) => section.start <= span[0] && span[0] < section.end).pop() : undefined;
  const entries = outline.map((section) => h('li', { 'data-depth': Math.min(section.depth, 5) }, h('button', {
    type: 'button', 'data-start': section.start, 'aria-current': section === here ? 'location' : null,
    click: () => text.querySelector(`[data-start="${section.start}"]`)?.scrollIntoView({ block: 'start' }),
  }, withoutStars(section.title))));
  return h('details', { id: 'outline', open: columns.matches || !span },
    h('summary', {}, `本文目录（${outline.length}）`), h('ol', {}, ...entries));
}

/**
 * One element a line, headings where the outline says so; returns the highlights, one for each line of the span.
 * @param {HTMLElement} box @param {string[]} characters @param {Section[]} outline @param {[number, number] | null} span
 */
function fillDocument(box, characters, outline, span) {
  const depths = new Map(outline.map((section) => [section.start, section.depth]));
  const [from, to] = span ?? [0, 0];
  /** @type {HTMLElement[]} */
  const marks = [];
  for (let start = 0; start < characters.length;) {
    const newline = characters.indexOf('\n', start);
    const end = newline < 0 ? characters.length : newline;
    const depth = depths.get(start);
    const line = h(depth === undefined ? 'p' : `h${Math.min(depth + 2, 6)}`, { 'data-start': start });
    if (characters[start] === '|') line.className = 'row';
    const [a, b] = [Math.max(from, start), Math.min(to, end)];
    const cuts = a < b ? [start, a, b, end] : [start, end];
    for (let i = 1; i < cuts.length; i += 1) {
      const node = i === 2 ? line.appendChild(h('mark')) : line;
      if (i === 2) marks.push(node);
      withSigns(node, characters.slice(cuts[i - 1], cuts[i]).join(''), cuts[i - 1] === start);
    }
    if (start < end) box.append(line);
    start = end + 1;
  }
  return marks;
}

/** Appends text whose Markdown signs stay in it, but out of sight. @param {Node} node @param {string} text @param {boolean} first */
function withSigns(node, text, first) {
  const signs = first ? /(^#{1,6}\s+|\*\*)/ : /(\*\*)/;
  text.split(signs).forEach((part, i) => {
    if (part) node.appendChild(i % 2 ? h('span.sign', {}, part) : document.createTextNode(part));
  });
}

// --- quotes on hover

function showPeek(/** @type {Element} */ marker) {
  const citation = cited.get(target(marker));
  if (!citation) return;
  peek.replaceChildren(h('span.quote', {}, brief(citation.quote, 160)), h('span.where', {}, dotted(citation.title, lines(citation.origin))));
  peek.hidden = false;
  marker.setAttribute('aria-describedby', 'peek');
  const spot = marker.getBoundingClientRect();
  const above = spot.top - peek.offsetHeight - 8;
  peek.style.left = `${Math.max(12, Math.min(spot.left - 24, window.innerWidth - peek.offsetWidth - 12))}px`;
  peek.style.top = `${above > 8 ? above : spot.bottom + 8}px`;
}

function hidePeek() {
  peek.hidden = true;
  document.querySelector('[aria-describedby="peek"]')?.removeAttribute('aria-describedby');
}

// --- wiring

/** @param {Event} event @param {string} selector */
const within = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

document.addEventListener('click', (event) => {
  const link = within(event, '[data-open]');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    navigate(target(link));
  } else if (within(event, '#app') === event.target && !panel.hidden) {
    closePanel(); // beside the panel, where the page is inert
  }
});
for (const type of ['mouseover', 'focusin', 'mouseout', 'focusout']) {
  document.addEventListener(type, (event) => {
    const marker = within(event, '.marker');
    if (marker && type.endsWith('out')) hidePeek();
    else if (marker) showPeek(marker);
  });
}
scroller.addEventListener('scroll', hidePeek, { passive: true });

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') {
    if (!peek.hidden) hidePeek();
    else if (!panel.hidden) closePanel();
  } else if (event.key === '/' && !within(event, 'input, textarea')) {
    event.preventDefault();
    question.focus();
  }
});
question.addEventListener('keydown', (event) => {
  // 229: the Enter that ends an input method's composition, where isComposing is already false.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  composer.requestSubmit();
});
question.addEventListener('input', refreshComposer);
composer.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (running || !text) return;
  question.value = '';
  ask(text);
  if (sheet.matches) question.blur(); // the keyboard would cover the answer
  else question.focus();
});
byId('stop').addEventListener('click', () => {
  running?.abort();
  question.focus();
});
byId('new-chat').addEventListener('click', () => {
  running?.abort();
  turns = [];
  messages.replaceChildren();
  empty.hidden = false;
  byId('new-chat').hidden = true;
  question.focus();
});
byId('source-close').addEventListener('click', closePanel);
byId('show-outline').addEventListener('click', () => {
  byId('outline').setAttribute('open', '');
  panel.scrollTop = 0;
  byId('outline').querySelector('summary')?.focus();
});
for (const example of document.querySelectorAll('.example')) {
  example.addEventListener('click', () => ask(example.textContent ?? ''));
}
window.addEventListener('popstate', route);
sheet.addEventListener('change', layOut);

// Decoration only: asking and the catalogue will say what is wrong.
documents().then((list) => { byId('corpus-size').textContent = ` ${list.length} 份`; }, () => {});
call('/version').then((body) => { byId('version').textContent = `版本 ${body.version}`; }, () => {});
refreshComposer();
route();
if (panel.hidden && !sheet.matches) question.focus();
