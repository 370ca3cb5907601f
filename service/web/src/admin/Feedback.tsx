import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isAbort, messageOf } from "../shared/api.ts";
import { brief, sourcePath, withoutStars } from "../shared/text.ts";
import type { Citation, FeedbackReason, FeedbackVerdict, Page } from "../shared/types.ts";
import type { Session } from "../app/session.ts";
import { localTime } from "./loading.ts";

interface Feedback {
  feedback_id: string;
  created: string;
  key_id: string;
  user: string;
  verdict: FeedbackVerdict;
  reason: FeedbackReason | null;
  comment: string;
  question: string;
  /** As somebody sent it: any field may be missing, or be something else. */
  answer: Record<string, unknown>;
  reviewed: boolean;
}

const REASONS: Record<FeedbackReason, string> = {
  wrong: "内容有误",
  incomplete: "不完整",
  citation: "引文不对",
  outdated: "已经过时",
  unclear: "看不明白",
  refused: "应当能答",
  other: "其他",
};

const PILES = [
  { query: "reviewed=false", label: "待处理" },
  { query: "reviewed=true", label: "已处理" },
  { query: "", label: "全部" },
];

export function FeedbackView({ session }: { session: Session }): JSX.Element {
  const [pile, setPile] = useState(PILES[0]!.query);
  const [items, setItems] = useState<Feedback[] | null>(null);
  const [cursor, setCursor] = useState("");
  const [problem, setProblem] = useState("");

  function load(before: Feedback[], at: string): () => void {
    let isLatest = true;
    setProblem("");
    session
      .run((api) => api.get<Page<Feedback>>(`/api/admin/feedback?limit=20&cursor=${encodeURIComponent(at)}&${pile}`))
      .then(
        (page) => {
          if (!isLatest) return;
          setItems([...before, ...page.items]);
          setCursor(page.cursor);
        },
        (error: unknown) => isLatest && !isAbort(error) && setProblem(messageOf(error)),
      );
    return () => {
      isLatest = false;
    };
  }
  useEffect(() => {
    setItems(null);
    return load([], "");
  }, [pile]);

  async function mark(id: string, reviewed: boolean): Promise<void> {
    try {
      const changed = await session.run((api) => api.call<Feedback>("PATCH", `/api/admin/feedback/${encodeURIComponent(id)}`, { reviewed }));
      setItems((all) => all && all.map((one) => (one.feedback_id === id ? changed : one)));
    } catch (error) {
      setProblem(messageOf(error));
    }
  }

  return (
    <section>
      <div class="bar">
        <h2>用户反馈</h2>
        <div class="choice" role="group" aria-label="处理情况">
          {PILES.map((one) => (
            <button key={one.query} type="button" class="quiet" aria-pressed={pile === one.query} onClick={() => setPile(one.query)}>
              {one.label}
            </button>
          ))}
        </div>
      </div>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {!items && !problem && <p class="empty">正在载入…</p>}
      {items?.length === 0 && <p class="empty">没有反馈。</p>}
      <ul class="feedback">
        {items?.map((item) => (
          <li key={item.feedback_id} class="card" data-reviewed={item.reviewed}>
            <p class="what">
              <span class="badge" data-status={item.verdict === "up" ? "answered" : "refused"}>
                {item.verdict === "up" ? "有帮助" : "没有帮助"}
              </span>
              {item.reason && <span class="badge">{REASONS[item.reason]}</span>}
              <span class="soft">
                {[localTime(item.created), item.user && `用户 ${item.user}`, item.key_id].filter(Boolean).join(" · ")}
              </span>
            </p>
            <h3>{item.question}</h3>
            {item.comment && <p class="comment">“{item.comment}”</p>}
            <Given answer={item.answer} />
            <button type="button" class="quiet framed" onClick={() => void mark(item.feedback_id, !item.reviewed)}>
              {item.reviewed ? "重新列为待处理" : "标为已处理"}
            </button>
          </li>
        ))}
      </ul>
      {cursor && (
        <button type="button" class="quiet framed" onClick={() => load(items ?? [], cursor)}>
          显示更多
        </button>
      )}
    </section>
  );
}

/** The answer as it was sent along. */
function Given({ answer }: { answer: Record<string, unknown> }): JSX.Element | null {
  const text = typeof answer["answer"] === "string" ? answer["answer"] : "";
  const citations = Array.isArray(answer["citations"]) ? answer["citations"].filter(isCitation) : [];
  if (!text) return null;
  return (
    <details>
      <summary>当时的回答</summary>
      <p class="given">{withoutStars(text)}</p>
      <ol>
        {citations.map((citation, i) => (
          <li key={i}>
            <a href={sourcePath(citation.doc_id, citation)} target="_blank" rel="noopener noreferrer">
              {citation.title}
            </a>
            ：{brief(citation.quote, 160)}
          </li>
        ))}
      </ol>
    </details>
  );
}

function isCitation(value: unknown): value is Pick<Citation, "doc_id" | "title" | "quote" | "start" | "end"> {
  const row = (value ?? {}) as Record<string, unknown>;
  return ["doc_id", "title", "quote"].every((name) => typeof row[name] === "string") && ["start", "end"].every((name) => typeof row[name] === "number");
}
