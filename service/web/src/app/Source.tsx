// A document with its outline, a search in it, and the cited characters highlighted: beside the answer, or alone.
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../shared/api.ts";
import { DocumentText, blocksOf, type Span } from "../shared/document.tsx";
import { Icon } from "../shared/icons.tsx";
import { aboutDocument, chineseDate, citationLine, copyText, dotted, placeOf, sectionPath, utf16Offsets, validityLabel, withoutStars } from "../shared/text.ts";
import type { Citation, DocumentInfo, FullDocument, Section } from "../shared/types.ts";
import type { Session } from "./session.ts";
import { Validity } from "./TurnView.tsx";

const MOST_FOUND = 500;
const PAUSE_MS = 120;
const WIDE = "(min-width: 1200px)"; // the outline stands beside the text; app.css has the same width

/** Names of what is known of a document, in the order of a head; dates are written out. */
const FACTS: [string, string][] = [
  ["source_title", "原题"],
  ["issuer", "发文机关"],
  ["number", "发文字号"],
  ["authors", "作者"],
  ["region", "地区"],
  ["level", "层级"],
  ["kind", "类别"],
  ["subject", "主题"],
  ["signed", "成文日期"],
  ["published", "发布日期"],
  ["effective", "施行日期"],
  ["expires", "有效期至"],
  ["repealed", "废止日期"],
  ["period", "时间范围"],
  ["note", "说明"],
];

interface Props {
  session: Session;
  docId: string;
  /** In code points. */
  span: [number, number] | null;
  citation: Citation | undefined;
  isAlone: boolean;
  onClose: () => void;
  onDocuments: () => void;
  onAskWithin: (docId: string) => void;
  say: (text: string) => void;
}

interface Loaded {
  info: FullDocument;
  outline: Section[];
  /** In UTF-16 units; null where there is no such place. */
  cited: Span | null;
}

export function Source(props: Props): JSX.Element {
  const { session, docId, span, citation, isAlone, say } = props;
  const [document_, setDocument] = useState<FullDocument | null>(null);
  const [problem, setProblem] = useState("");
  const [attempt, setAttempt] = useState(0);
  const [search, setSearch] = useState("");
  const [wanted, setWanted] = useState("");
  const [at, setAt] = useState(0);
  const panel = useRef<HTMLElement>(null);
  const head = useRef<HTMLElement>(null);

  useEffect(() => {
    let isLatest = true;
    setProblem("");
    setDocument((before) => (before?.doc_id === docId ? before : null));
    session
      .run((api) => api.get<FullDocument>(`/api/documents/${docId.split("/").map(encodeURIComponent).join("/")}`))
      .then((found) => { if (isLatest) setDocument(found); })
      .catch((error: unknown) => { if (isLatest) setProblem(messageOf(error)); });
    return () => { isLatest = false; };
  }, [docId, attempt]);

  useEffect(() => {
    const pause = setTimeout(() => { setWanted(search.trim()); setAt(0); }, PAUSE_MS);
    return () => clearTimeout(pause);
  }, [search]);
  useEffect(() => { setSearch(""); setWanted(""); }, [docId]);

  const [from, to] = span ?? [0, 0];
  const loaded = useMemo(() => (document_ ? prepare(document_, from, to) : null), [document_, from, to]);
  const blocks = useMemo(() => (loaded ? blocksOf(loaded.info.text, loaded.outline) : []), [loaded?.info]);
  const found = useMemo(() => (loaded && wanted ? occurrences(loaded.info.text, wanted) : []), [loaded?.info, wanted]);
  const spans = useMemo(() => {
    const marked: Span[] = found.map((start, i) => ({ start, end: start + wanted.length, kind: i === at ? "current" : "found" }));
    return loaded?.cited ? [loaded.cited, ...marked] : marked;
  }, [found, at, loaded]);

  // The panel takes the focus when it opens, and shows the place.
  useEffect(() => panel.current?.focus({ preventScroll: true }), [docId, from, to]);
  useLayoutEffect(() => {
    const box = panel.current;
    if (!box || !loaded) return;
    box.style.setProperty("--head", `${head.current!.offsetHeight}px`);
    const mark = box.querySelector("mark.cited");
    if (mark) mark.scrollIntoView({ block: "center" });
    else if (!span) box.scrollTop = 0;
  }, [loaded]);
  useEffect(() => {
    panel.current?.querySelector("mark.current")?.scrollIntoView({ block: "center" });
  }, [at, found]);

  const info = loaded?.info;
  const here = loaded?.cited ? loaded.outline.filter((s) => s.start <= loaded.cited!.start && loaded.cited!.start < s.end).at(-1) : undefined;
  const toMark = (): void => panel.current?.querySelector("mark.cited")?.scrollIntoView({ block: "center" });
  const copy = async (): Promise<void> => {
    const text = citation ? citationLine(citation, info?.issuer ?? "") : location.href;
    say((await copyText(text)) ? (citation ? "引文已复制" : "链接已复制") : "复制失败，请手动选择文字");
  };
  const step = (by: number): void => setAt((before) => (found.length ? (before + by + found.length) % found.length : 0));

  return (
    <aside id="source-panel" class={isAlone ? "alone" : ""} aria-labelledby="source-title" tabIndex={-1} ref={panel} aria-busy={!loaded && !problem}>
      <header id="source-head" ref={head}>
        <div class="bar">
          {isAlone && (
            <a class="quiet" id="back-to-documents" href="/#documents" onClick={(event) => { event.preventDefault(); props.onDocuments(); }}>
              <Icon name="back" /> 文件库
            </a>
          )}
          <div class="search inside" role="search">
            <Icon name="search" />
            <input
              type="search"
              id="source-search"
              class="input"
              aria-label="在本文中查找"
              placeholder="在本文中查找"
              value={search}
              onInput={(event) => setSearch(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
                if (event.key === "Escape" && search) { event.stopPropagation(); setSearch(""); }
              }}
            />
            {wanted && (
              <span class="count" role="status">
                {found.length ? `${at + 1}/${found.length}${found.length === MOST_FOUND ? "+" : ""}` : "没有找到"}
              </span>
            )}
            {found.length > 1 && (
              <>
                <button type="button" class="quiet" aria-label="上一处" onClick={() => step(-1)}><Icon name="previous" /></button>
                <button type="button" class="quiet" aria-label="下一处" onClick={() => step(1)}><Icon name="next" /></button>
              </>
            )}
          </div>
          <button type="button" class="quiet" id="source-close" onClick={props.onClose} aria-keyshortcuts="Escape">
            <Icon name="close" /> 关闭
          </button>
        </div>
        <h2 id="source-title">{problem ? "没能打开原文" : (info?.title ?? citation?.title ?? "正在载入…")}</h2>
        {loaded && span && <PlaceOfCitation loaded={loaded} citation={citation} here={here} onShow={toMark} onCopy={() => void copy()} />}
      </header>
      <div id="source-body">
        {problem && (
          <div class="failure" role="alert">
            <p>{problem}</p>
            <p class="small soft">{docId}</p>
            <p class="tools"><button type="button" class="quiet framed" onClick={() => setAttempt(attempt + 1)}>重试</button></p>
          </div>
        )}
        {loaded && !problem && (
          <>
            {loaded.outline.length > 0 && <Outline outline={loaded.outline} here={here} isOpen={isAlone && window.matchMedia(WIDE).matches} panel={panel} />}
            <div class="reading">
              <Facts info={loaded.info} isOpen={!span} onAskWithin={() => props.onAskWithin(docId)} />
              <DocumentText blocks={blocks} spans={spans} />
            </div>
          </>
        )}
      </div>
    </aside>
  );
}

function prepare(info: FullDocument, from: number, to: number): Loaded {
  const edges = [...new Set([...info.outline.flatMap((section) => [section.start, section.end]), from, to])].sort((a, b) => a - b);
  const units = utf16Offsets(info.text, edges);
  const unit = new Map(edges.map((edge, i) => [edge, units[i]!]));
  const outline = info.outline.map((section) => ({ ...section, start: unit.get(section.start)!, end: unit.get(section.end)! }));
  const [start, end] = [unit.get(from)!, unit.get(to)!];
  return { info, outline, cited: start < end ? { start, end, kind: "cited" } : null };
}

/** Where the words stand, case and width of letters aside; at most MOST_FOUND places. */
function occurrences(text: string, wanted: string): number[] {
  const [where, what] = [folded(text), folded(wanted)];
  const found: number[] = [];
  for (let i = where.indexOf(what); i >= 0 && found.length < MOST_FOUND; i = where.indexOf(what, i + what.length)) found.push(i);
  return found;
}

/** Lower case and half width, unit for unit. */
const folded = (text: string): string =>
  text.replace(/[A-Z\uff01-\uff5e]/g, (unit) => {
    const code = unit.charCodeAt(0);
    return String.fromCharCode(code > 0xff00 ? code - 0xfee0 : code).toLowerCase();
  });

function PlaceOfCitation({
  loaded,
  citation,
  here,
  onShow,
  onCopy,
}: {
  loaded: Loaded;
  citation: Citation | undefined;
  here: Section | undefined;
  onShow: () => void;
  onCopy: () => void;
}): JSX.Element {
  const { info, cited } = loaded;
  if (!cited) return <p id="source-place" class="warning">文件里没有这个位置，可能在提问之后更新过。</p>;
  const isChanged = citation !== undefined && citation.quote !== info.text.slice(cited.start, cited.end);
  const path = citation ? citation.section : (here?.path ?? []);
  return (
    <div id="source-place">
      {path.length > 0 && <p class="path">{sectionPath(path)}</p>}
      <p class="where">
        {dotted(info.issuer, chineseDate(info.published), citation ? placeOf(citation.origin) : "所查位置已高亮")}{" "}
        {citation && <Validity validity={citation.validity} />}
      </p>
      {isChanged && <p class="warning">此处文字与引文不一致，文件可能在提问之后更新过。</p>}
      <p class="buttons">
        <button type="button" class="quiet" onClick={onShow}>回到高亮处</button>
        <button type="button" class="quiet" onClick={onCopy}><Icon name="copy" /> {citation ? "复制引文" : "复制链接"}</button>
      </p>
    </div>
  );
}

function Facts({ info, isOpen, onAskWithin }: { info: DocumentInfo; isOpen: boolean; onAskWithin: () => void }): JSX.Element {
  const rows = FACTS.flatMap(([name, label]) => {
    const value = info[name];
    const text = Array.isArray(value) ? value.join("、") : typeof value === "string" ? chineseDate(value) : "";
    return text && !(name === "source_title" && text === info.title) ? [[label, text] as const] : [];
  });
  const validity = info["validity"];
  return (
    <details class="facts" open={isOpen}>
      <summary>文件信息{!isOpen && aboutDocument(info) && <span class="soft">：{aboutDocument(info)}</span>}</summary>
      <dl>
        {rows.map(([label, text]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{text}</dd>
          </div>
        ))}
        {typeof validity === "string" && (
          <div>
            <dt>效力</dt>
            <dd>{validityLabel(validity)}</dd>
          </div>
        )}
        <div>
          <dt>篇幅</dt>
          <dd>{info.characters.toLocaleString("zh-CN")} 字</dd>
        </div>
        <div>
          <dt>编号</dt>
          <dd>{info.doc_id}</dd>
        </div>
      </dl>
      <button type="button" class="quiet framed" onClick={onAskWithin}><Icon name="filter" /> 只在本文中提问</button>
    </details>
  );
}

function Outline({ outline, here, isOpen, panel }: { outline: Section[]; here: Section | undefined; isOpen: boolean; panel: { current: HTMLElement | null } }): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>("[aria-current]");
    if (current && list.current) list.current.scrollTop = current.offsetTop - list.current.clientHeight / 2;
  }, [here]);
  const go = (section: Section): void => {
    const heading = panel.current?.querySelector<HTMLElement>(`.document [data-start="${section.start}"]`);
    heading?.scrollIntoView({ block: "start" });
    heading?.focus({ preventScroll: true });
  };
  return (
    <details id="outline" open={isOpen}>
      <summary>目录（{outline.length}）</summary>
      <ol ref={list}>
        {outline.map((section) => (
          <li key={`${section.start} ${section.depth}`} data-depth={Math.min(section.depth, 5)}>
            <button type="button" aria-current={section === here ? "location" : undefined} onClick={() => go(section)}>
              {withoutStars(section.title)}
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
}
