// The chat inside the widget: questions, streamed answers with their sources, and the source itself above them.
import type { JSX } from "preact";
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import { isAbort, messageOf, type Api } from "../shared/api.ts";
import { blocksOf, DocumentText, type Span } from "../shared/document.tsx";
import { aboutDocument, brief, chineseDate, copyText, dotted, footnoted, placeOf, sectionPath, sourcePath, utf16Offsets, validityLabel, withoutStars } from "../shared/text.ts";
import type { Answer, Citation, FullDocument, Message } from "../shared/types.ts";
import type { Access } from "./access.ts";

const REMEMBERED_TURNS = 5;

interface Exchange {
  id: number;
  question: string;
  sentences: { text: string; citations: number[] }[];
  answer: Answer | null;
  problem: string | null;
  isStopped: boolean;
}

interface Props {
  api: Api;
  access: Access;
  heading: string;
  placeholder: string;
  greeting: string;
  examples: string[];
  /** Whether readers can open the service's own page. */
  hasLinks: boolean;
  tell: (name: string, detail: unknown) => void;
}

export function Chat({ api, access, heading, placeholder, greeting, examples, hasLinks, tell }: Props): JSX.Element {
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [draft, setDraft] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const [open, setOpen] = useState<Citation | null>(null);
  const work = useRef<AbortController | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const log = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLElement | null>(null);
  const fieldId = useId();

  useEffect(() => () => work.current?.abort(), []);
  // The last question to the top, when it is asked and when it is answered; scrollIntoView would move the page around as well.
  useEffect(() => {
    const last = log.current?.querySelector<HTMLElement>("article:last-of-type");
    if (last) log.current!.scrollTop = last.offsetTop - 12;
  }, [exchanges.length, exchanges.at(-1)?.answer]);

  const change = (id: number, part: (was: Exchange) => Partial<Exchange>): void =>
    setExchanges((all) => all.map((one) => (one.id === id ? { ...one, ...part(one) } : one)));

  async function ask(question: string): Promise<void> {
    if (!question.trim() || work.current) return;
    const id = Date.now();
    const history = historyOf(exchanges);
    const controller = new AbortController();
    work.current = controller;
    setDraft("");
    setBusy(true);
    setSaid("正在查找依据。");
    setExchanges((all) => [...all, { id, question, sentences: [], answer: null, problem: null, isStopped: false }]);
    try {
      const answer = await access.run(api, (one) => {
        change(id, () => ({ sentences: [] }));
        const sentence = (text: string, citations: number[]): void => change(id, (was) => ({ sentences: [...was.sentences, { text, citations }] }));
        return one.ask({ question, history }, { sentence }, controller.signal);
      });
      change(id, () => ({ answer }));
      setSaid(spoken(answer));
      tell("zhengwen-answer", answer);
    } catch (error) {
      if (isAbort(error)) {
        change(id, () => ({ isStopped: true }));
        setSaid("已停止。");
      } else {
        change(id, () => ({ problem: messageOf(error) }));
        setSaid(messageOf(error));
        tell("zhengwen-error", { message: messageOf(error) });
      }
    } finally {
      work.current = null;
      setBusy(false);
    }
  }

  function show(citation: Citation, from: HTMLElement): void {
    opener.current = from;
    setOpen(citation);
  }

  // What opened the source gets the focus back, once it is not inert any longer.
  useEffect(() => {
    if (open || !opener.current) return;
    (opener.current.isConnected ? opener.current : field.current)?.focus();
    opener.current = null;
  }, [open]);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.isComposing) return; // Enter ends the input of a Chinese word there
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      void ask(draft);
    } else if (event.key === "ArrowUp" && !draft && exchanges.length) {
      event.preventDefault();
      setDraft(exchanges.at(-1)!.question);
    }
  }

  return (
    <section
      class="chat"
      part="chat"
      aria-label={heading}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.isComposing) return;
        if (open) setOpen(null);
        else work.current?.abort();
      }}
    >
      <header part="header">
        <h2>{heading}</h2>
        {exchanges.length > 0 && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              work.current?.abort();
              setExchanges([]);
              setOpen(null);
              field.current?.focus();
            }}
          >
            新对话
          </button>
        )}
      </header>
      <div class="body">
        <div class="log" ref={log} tabIndex={0} role="region" aria-label="问答记录" inert={open !== null}>
          {exchanges.length === 0 && (
            <div class="welcome">
              <p>{greeting}</p>
              {examples.length > 0 && (
                <ul>
                  {examples.map((example) => (
                    <li key={example}>
                      <button type="button" class="example" onClick={() => void ask(example)}>
                        {example}
                      </button>
                    </li>
                  ))}
                </ul>
              )}
            </div>
          )}
          {exchanges.map((exchange) => (
            <ExchangeView key={exchange.id} exchange={exchange} base={hasLinks ? api.base : null} onOpen={show} onRetry={() => void ask(exchange.question)} isBusy={isBusy} />
          ))}
        </div>
        {open && <Source citation={open} api={api} access={access} onClose={() => setOpen(null)} />}
      </div>
      <form
        part="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isBusy) work.current?.abort();
          else void ask(draft);
        }}
      >
        <label class="sr" for={fieldId}>
          问题
        </label>
        <textarea
          id={fieldId}
          ref={field}
          rows={1}
          maxLength={2000}
          placeholder={placeholder}
          value={draft}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" class="send" disabled={!isBusy && !draft.trim()}>
          {isBusy ? "停止" : "提问"}
        </button>
      </form>
      <p class="sr" role="status" aria-live="polite">
        {said}
      </p>
    </section>
  );
}

interface ExchangeProps {
  exchange: Exchange;
  /** Address of the service, null where readers cannot open its page. */
  base: string | null;
  isBusy: boolean;
  onOpen: (citation: Citation, from: HTMLElement) => void;
  onRetry: () => void;
}

function ExchangeView({ exchange, base, isBusy, onOpen, onRetry }: ExchangeProps): JSX.Element {
  const { answer, problem, isStopped } = exchange;
  const [copied, setCopied] = useState("");
  const citations = new Map((answer?.citations ?? []).map((one) => [one.marker, one]));
  const state = answer?.status ?? (problem ? "failed" : isStopped ? "stopped" : "busy");
  const sentences = answer?.sentences ?? exchange.sentences.map(({ text, citations: markers }) => ({ text: bare(text, markers), citations: markers }));
  return (
    <article data-status={state} aria-busy={state === "busy"}>
      <p class="question">{exchange.question}</p>
      <div class="answer">
        {answer?.understood && <p class="soft">理解为：{answer.understood}</p>}
        {answer?.notice && <p class="notice">{answer.notice}</p>}
        {sentences.map((sentence, i) => (
          <p key={i}>
            {withoutStars(sentence.text)}
            {sentence.citations.map((marker) => {
              const citation = citations.get(marker);
              return citation ? (
                <button
                  type="button"
                  class="marker"
                  key={marker}
                  data-marker={marker}
                  aria-label={`引用${marker}：${citation.title}，打开原文`}
                  title={brief(citation.quote, 120)}
                  onClick={(event) => onOpen(citation, event.currentTarget)}
                >
                  {marker}
                </button>
              ) : (
                <span class="marker" key={marker}>
                  {marker}
                </span>
              );
            })}
          </p>
        ))}
        {answer && answer.sentences.length === 0 && answer.answer.split("\n").map((line, i) => <p key={i}>{line}</p>)}
        {answer?.status === "partial" && answer.reason && <p class="soft">以上回答不完整：{answer.reason}。</p>}
        {state === "busy" && <p class="soft working">{sentences.length ? "正在核对下一句…" : "正在查找依据…"}</p>}
        {isStopped && <p class="soft">已停止。</p>}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
      </div>
      {answer && answer.citations.length > 0 && (
        <details class="sources">
          <summary>出处（{answer.citations.length}）</summary>
          <ol>
            {answer.citations.map((citation) => (
              <li key={citation.marker} value={citation.marker}>
                <About citation={citation} />
                <blockquote>{brief(citation.quote, 300)}</blockquote>
                <button type="button" class="quiet" onClick={(event) => onOpen(citation, event.currentTarget)}>
                  对照原文
                </button>
                {base !== null && (
                  <a class="quiet" href={base + sourcePath(citation.doc_id, citation)} target="_blank" rel="noopener noreferrer">
                    在新窗口打开
                  </a>
                )}
              </li>
            ))}
          </ol>
        </details>
      )}
      {state !== "busy" && (
        <p class="actions">
          {answer && (
            <button type="button" class="quiet" onClick={() => void copyText(footnoted(answer)).then((done) => setCopied(done ? "已复制" : "复制不了"))}>
              {copied || "复制（带出处）"}
            </button>
          )}
          {(problem || isStopped) && (
            <button type="button" class="quiet" disabled={isBusy} onClick={onRetry}>
              重试
            </button>
          )}
        </p>
      )}
    </article>
  );
}

function About({ citation }: { citation: Citation }): JSX.Element {
  return (
    <p class="about">
      <strong>{citation.title}</strong>
      <span>{dotted(chineseDate(citation.published), sectionPath(citation.section), placeOf(citation.origin))}</span>
      {citation.validity !== "unknown" && (
        <span class="badge" data-validity={citation.validity}>
          {validityLabel(citation.validity)}
        </span>
      )}
    </p>
  );
}

/** The document above the chat, at the cited characters. */
function Source({ citation, api, access, onClose }: { citation: Citation; api: Api; access: Access; onClose: () => void }): JSX.Element {
  const [found, setFound] = useState<FullDocument | null>(null);
  const [problem, setProblem] = useState("");
  const panel = useRef<HTMLDivElement>(null);
  const text = useRef<HTMLDivElement>(null);
  const titleId = useId();

  useEffect(() => {
    const controller = new AbortController();
    const path = `/api/documents/${citation.doc_id.split("/").map(encodeURIComponent).join("/")}`;
    access
      .run(api, (one) => one.get<FullDocument>(path, controller.signal))
      .then(setFound, (error: unknown) => isAbort(error) || setProblem(messageOf(error)));
    panel.current?.focus();
    return () => controller.abort();
  }, [citation]);

  const blocks = useMemo(() => {
    if (!found) return [];
    const starts = utf16Offsets(found.text, found.outline.map((section) => section.start));
    return blocksOf(found.text, found.outline.map(({ depth }, i) => ({ depth, start: starts[i]! })));
  }, [found]);
  const spans = useMemo(() => {
    if (!found) return [];
    const [start, end] = utf16Offsets(found.text, [citation.start, citation.end]);
    return [{ start: start!, end: end!, kind: "cited" } satisfies Span];
  }, [found, citation]);

  useEffect(() => {
    const mark = text.current?.querySelector("mark");
    if (mark) text.current!.scrollTop = mark.offsetTop - text.current!.clientHeight / 3;
  }, [blocks, spans]);

  return (
    <div class="source" ref={panel} role="dialog" aria-labelledby={titleId} tabIndex={-1}>
      <div class="source-head">
        <div>
          <h3 id={titleId}>{citation.title}</h3>
          <p class="soft">{dotted(found && aboutDocument(found), placeOf(citation.origin))}</p>
        </div>
        <button type="button" class="quiet" onClick={onClose}>
          关闭
        </button>
      </div>
      <div class="source-text" ref={text} tabIndex={0} role="region" aria-label="原文">
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        {!found && !problem && <p class="soft">正在打开原文…</p>}
        {found && <DocumentText blocks={blocks} spans={spans} />}
      </div>
    </div>
  );
}

/** A streamed sentence without the markers behind it. */
const bare = (text: string, markers: number[]): string => {
  const tail = markers.map((marker) => `[${marker}]`).join("");
  const trimmed = text.trimEnd();
  return tail && trimmed.endsWith(tail) ? trimmed.slice(0, -tail.length) : trimmed;
};

/** What was said last, for a follow-up. */
const historyOf = (exchanges: Exchange[]): Message[] =>
  exchanges
    .filter((one) => one.answer)
    .slice(-REMEMBERED_TURNS)
    .flatMap((one) => [
      { role: "user", content: one.question },
      { role: "assistant", content: one.answer!.answer },
    ]);

/** What a screen reader says when an answer is there. */
function spoken(answer: Answer): string {
  if (answer.status === "refused") return withoutStars(answer.answer);
  const said = answer.sentences.map((sentence) => withoutStars(sentence.text)).join("");
  return `${answer.notice ?? ""}${said} 共${answer.citations.length}处出处。`;
}
