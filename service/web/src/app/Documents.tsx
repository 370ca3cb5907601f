// The documents there are, with what is known of them.
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Icon } from "../shared/icons.tsx";
import { chineseDate, dotted, sourcePath } from "../shared/text.ts";
import type { DocumentInfo } from "../shared/types.ts";
import { Validity } from "./TurnView.tsx";

const SHOWN_AT_ONCE = 200;

const words = (info: DocumentInfo): string =>
  [info.title, info.source_title, info.issuer, info.region, info.kind, info.published, info.period, info.doc_id, info["number"], info["subject"]]
    .filter((value) => typeof value === "string")
    .join(" ")
    .toLowerCase();

type Order = "title" | "published" | "issuer";

export function Documents({
  documents,
  problem,
  onOpen,
  onAskWithin,
  onRetry,
}: {
  documents: DocumentInfo[] | null;
  problem: string;
  onOpen: (docId: string) => void;
  onAskWithin: (docId: string) => void;
  onRetry: () => void;
}): JSX.Element {
  const [search, setSearch] = useState("");
  const [order, setOrder] = useState<Order>("title");
  const [shown, setShown] = useState(SHOWN_AT_ONCE);
  const found = useMemo(() => {
    const wanted = search.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = (documents ?? []).filter((info) => wanted.every((word) => words(info).includes(word)));
    // The unknown comes last.
    const key = (info: DocumentInfo): string => info[order] || (order === "published" ? "" : "\uffff");
    return fitting.sort((a, b) => (order === "published" ? key(b).localeCompare(key(a)) : key(a).localeCompare(key(b), "zh-CN")));
  }, [documents, search, order]);

  return (
    <div class="page documents-page">
      <header>
        <h1 tabIndex={-1}>文件库</h1>
        <p class="soft">{documents ? `收录 ${documents.length} 份文件，回答只依据它们。` : "正在载入…"}</p>
        <div class="finder">
          <label class="search">
            <Icon name="search" />
            <span class="sr">查找文件</span>
            <input type="search" id="document-search" class="input" placeholder="按标题、机关、地区、类别或文号查找" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
          </label>
          <label class="order">
            排序
            <select class="input" value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
              <option value="title">标题</option>
              <option value="published">最新发布</option>
              <option value="issuer">发文机关</option>
            </select>
          </label>
        </div>
      </header>
      {problem && (
        <p class="failure" role="alert">
          {problem} <button type="button" class="quiet framed" onClick={onRetry}>重试</button>
        </p>
      )}
      <ul class="documents">
        {found.slice(0, shown).map((info) => (
          <li key={info.doc_id}>
            <a
              href={sourcePath(info.doc_id)}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                onOpen(info.doc_id);
              }}
            >
              <span class="title">{info.title}</span>
              <span class="where">
                {dotted(info.issuer || "发文机关未注明", typeof info["number"] === "string" && info["number"], info.region, chineseDate(info.published) || "日期未注明", info.kind, `${info.characters.toLocaleString("zh-CN")} 字`)}
                {typeof info["validity"] === "string" && info["validity"] !== "unknown" && <> <Validity validity={info["validity"]} /></>}
              </span>
            </a>
            <button type="button" class="quiet" onClick={() => onAskWithin(info.doc_id)} aria-label={`就此提问：${info.title}`}>
              <Icon name="filter" /> 就此提问
            </button>
          </li>
        ))}
      </ul>
      {documents && found.length === 0 && <p class="soft">{documents.length ? "没有符合的文件。" : "还没有收录文件。"}</p>}
      {found.length > shown && (
        <button type="button" class="quiet framed" onClick={() => setShown(shown + SHOWN_AT_ONCE)}>
          再显示一些（还有 {found.length - shown} 份）
        </button>
      )}
    </div>
  );
}
