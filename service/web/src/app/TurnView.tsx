// A question with what came of it: a stream, an answer, a refusal, or what went wrong.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { SentenceText, citationsByMarker, isWorded } from "../shared/answer.tsx";
import { Icon } from "../shared/icons.tsx";
import { STATUS, aboutDocument, brief, chineseDate, citationLine, copyText, dotted, placeOf, sectionPath, sourcePath, validityLabel } from "../shared/text.ts";
import type { Answer, Citation, DocumentInfo, Filters, Passage, Sentence } from "../shared/types.ts";
import { AnswerTools } from "./AnswerTools.tsx";
import type { Chat, Turn } from "./chat.ts";
import { chipsOf } from "./Filters.tsx";
import type { Session } from "./session.ts";

const NEAREST_SHOWN = 3;

/** What a place in a document is opened with. */
export interface Place {
  doc_id: string;
  start: number;
  end: number;
  citation?: Citation;
}

export interface TurnContext {
  session: Session;
  chat: Chat;
  documents: Map<string, DocumentInfo>;
  /** The address of the place that stands open, to mark what opened it. */
  current: string;
  open: (place: Place) => void;
  say: (text: string) => void;
  /** The link that opened this answer alone; else empty. */
  isShared: boolean;
  onWithout: (filters: Filters) => void;
}

export function TurnView({ turn, context }: { turn: Turn; context: TurnContext }): JSX.Element {
  const [isEditing, setEditing] = useState(false);
  const box = useRef<HTMLElement>(null);
  const { chat } = context;
  const understood = turn.answer?.understood;
  const chips = chipsOf(turn.filters, [...context.documents.values()]);

  // The question is brought to the top once, when it is asked.
  useEffect(() => {
    if (turn.state === "busy") box.current?.scrollIntoView({ block: "start" });
  }, []);

  return (
    <section class="turn" ref={box} aria-label={brief(turn.question, 40)}>
      <div class="question">
        {isEditing ? (
          <Editor
            question={turn.question}
            onCancel={() => setEditing(false)}
            onSend={(question) => { setEditing(false); void chat.askInstead(turn, question); }}
          />
        ) : (
          <>
            <h2 class="asked">{turn.question}</h2>
            {turn.state !== "busy" && !context.isShared && (
              <button type="button" class="quiet edit" aria-label="修改这个问题" title="修改后重新提问" onClick={() => setEditing(true)}>
                <Icon name="edit" />
              </button>
            )}
          </>
        )}
        {understood && <p class="understood"><span>理解为</span>{understood}</p>}
        {chips.length > 0 && <p class="scope small">范围：{chips.map((chip) => `${chip.label} ${chip.shown}`).join("；")}</p>}
      </div>
      {turn.answer ? <AnswerCard answer={turn.answer} turn={turn} context={context} /> : <Unfinished turn={turn} context={context} />}
    </section>
  );
}

function Editor({ question, onCancel, onSend }: { question: string; onCancel: () => void; onSend: (question: string) => void }): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  // Before anybody can type.
  useLayoutEffect(() => {
    field.current!.focus();
    field.current!.setSelectionRange(question.length, question.length);
  }, []);
  const send = (): void => {
    const text = field.current!.value.trim();
    if (text) onSend(text);
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => { event.preventDefault(); send(); }}
      onKeyDown={(event) => {
        if (event.isComposing || event.keyCode === 229) return;
        if (event.key === "Escape") { event.stopPropagation(); onCancel(); }
        if (event.key === "Enter" && !event.shiftKey && event.target === field.current) { event.preventDefault(); send(); }
      }}
    >
      <textarea class="input" ref={field} rows={2} aria-label="修改问题" defaultValue={question} />
      <p class="small soft">重新提问后，这个问题之后的对话会被替换。</p>
      <p class="buttons">
        <button type="button" class="quiet" onClick={onCancel}>取消</button>
        <button type="submit" class="primary">重新提问</button>
      </p>
    </form>
  );
}

const NO_CITATIONS = new Map<number, Citation>();

/** A stream under way, or one that did not get to its end. */
function Unfinished({ turn, context }: { turn: Turn; context: TurnContext }): JSX.Element {
  const isBusy = turn.state === "busy";
  return (
    <article class="answer" data-status={turn.state === "busy" ? "busy" : turn.state === "stopped" ? "stopped" : "error"} aria-busy={isBusy}>
      {turn.sentences.length > 0 && (
        <div class="answer-text">
          {turn.sentences.map((sentence, i) => (
            <p key={i} class="sentence">
              <SentenceText sentence={sentence} citations={NO_CITATIONS} />
            </p>
          ))}
        </div>
      )}
      {isBusy && <Waiting found={turn.found} />}
      {!isBusy && (
        <>
          <p class="failure" role="alert">
            {turn.state === "stopped" ? "已停止。" : <strong>没有得到完整的回答：</strong>}
            {turn.problem}
            {turn.sentences.length > 0 && "以上内容只是一部分，尚未附出处，请勿引用。"}
          </p>
          <p class="tools">
            <button type="button" class="quiet framed retry" onClick={() => void context.chat.retry(turn)}>
              <Icon name="retry" /> 重试
            </button>
          </p>
        </>
      )}
    </article>
  );
}

function Waiting({ found }: { found: number | null }): JSX.Element {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const ticking = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(ticking);
  }, []);
  return (
    <p class="busy">
      <span class="pulse" />
      {found === null ? "正在检索文件" : `找到 ${found} 个相关段落，正在逐句核对`}
      {seconds >= 3 && <span class="clock" aria-hidden="true">已用 {seconds} 秒</span>}
    </p>
  );
}

function AnswerCard({ answer, turn, context }: { answer: Answer; turn: Turn; context: TurnContext }): JSX.Element {
  const card = useRef<HTMLElement>(null);
  const isRefused = answer.status === "refused";
  // A reason may be a code for programs; people get it only when it is written for them.
  const reason = answer.reason && /\p{Script=Han}/u.test(answer.reason) ? answer.reason : "";
  const verified = answer.sentences.filter((sentence) => sentence.verdict === "supported").length;
  return (
    <article class="answer" data-status={answer.status} ref={card}>
      <header class="verdict">
        <span class="badge" data-status={answer.status}>
          {answer.status === "answered" && <Icon name="check" />}
          {STATUS[answer.status]}
        </span>
        {verified > 0 && <span class="small soft">{verified} 句均已与原文核对</span>}
        {answer.dropped > 0 && <span class="small soft dropped">另有 {answer.dropped} 句未通过核对，已略去</span>}
      </header>
      {answer.notice && <p class="notice">{answer.notice}</p>}
      {isRefused ? <Refusal answer={answer} turn={turn} reason={reason} context={context} /> : <Sentences answer={answer} context={context} />}
      {!isRefused && reason && <p class="reason"><span class="label">说明</span>{reason}</p>}
      {answer.citations.length > 0 && (
        <ol class="citations" aria-label="引用的原文">
          {answer.citations.map((citation) => (
            <CitationItem key={citation.marker} citation={citation} context={context} />
          ))}
        </ol>
      )}
      <Passages answer={answer} context={context} />
      <AnswerTools answer={answer} context={context} card={card} />
    </article>
  );
}

/** The sentences, one a line; where sources contradict each other, each source in a column of its own. */
function Sentences({ answer, context }: { answer: Answer; context: TurnContext }): JSX.Element {
  const citations = citationsByMarker(answer);
  const worded = isWorded(answer);
  const line = (sentence: Sentence, i: number): JSX.Element => (
    <p key={i} class="sentence" data-verdict={sentence.verdict}>
      {sentence.verdict === "supported" && <span class="tick" title="已与原文核对"><Icon name="check" /><span class="sr">已核对：</span></span>}
      <SentenceText sentence={sentence} citations={citations} worded={worded} onOpen={context.open} />
    </p>
  );
  const sources = bySource(answer, citations);
  if (!/不一致|不同说法|相互矛盾/.test(answer.notice ?? "") || sources.size < 2) {
    return <div class="answer-text">{answer.sentences.map(line)}</div>;
  }
  return (
    <div class="sides">
      {[...sources].map(([docId, sentences]) => {
        const info = context.documents.get(docId);
        const citation = answer.citations.find((each) => each.doc_id === docId)!;
        return (
          <section key={docId} class="side answer-text" aria-label={citation.title}>
            <h3>{citation.title}</h3>
            <p class="where">{dotted(info?.issuer, chineseDate(citation.published)) || "发布机关和日期未注明"} <Validity validity={citation.validity} /></p>
            {sentences.map(line)}
          </section>
        );
      })}
    </div>
  );
}

/** The sentences of each document, by the first that they cite. */
function bySource(answer: Answer, citations: Map<number, Citation>): Map<string, Sentence[]> {
  const sources = new Map<string, Sentence[]>();
  for (const sentence of answer.sentences) {
    const docId = citations.get(sentence.citations[0] ?? 0)?.doc_id ?? "";
    sources.set(docId, [...(sources.get(docId) ?? []), sentence]);
  }
  return sources;
}

export function Validity({ validity }: { validity: string }): JSX.Element {
  return <span class="badge" data-validity={validity}>{validityLabel(validity)}</span>;
}

function Refusal({ answer, turn, reason, context }: { answer: Answer; turn: Turn; reason: string; context: TurnContext }): JSX.Element {
  const nearest = answer.passages.slice(0, NEAREST_SHOWN);
  const isNarrowed = Object.keys(turn.filters).length > 0;
  return (
    <>
      <div class="answer-text"><p>{answer.answer}</p></div>
      {reason && !answer.answer.includes(reason) && <p class="reason"><span class="label">原因</span>{reason}</p>}
      <div class="advice">
        <h3>可以这样试试</h3>
        <ul>
          {isNarrowed && (
            <li>
              问题只在筛选的文件里查找。
              <button type="button" class="quiet" onClick={() => context.onWithout({})}>去掉筛选再问</button>
            </li>
          )}
          <li>写明年份、地区或文件名称，例如“某市2025年的目标是多少”。</li>
          <li>换成文件里可能使用的说法，或把一个大问题拆成几个小问题。</li>
        </ul>
      </div>
      {nearest.length > 0 && (
        <div class="nearest">
          <h3>最接近的原文段落（供参考，不是答案）</h3>
          <ul>{nearest.map((passage) => <PassageItem key={passage.passage_id} passage={passage} context={context} />)}</ul>
        </div>
      )}
    </>
  );
}

/** A link into a document that opens beside the answer. */
export function PlaceLink({ place, context, children }: { place: Place; context: Pick<TurnContext, "open" | "current">; children: ComponentChildren }): JSX.Element {
  const address = sourcePath(place.doc_id, place);
  return (
    <a
      href={address}
      class={address === context.current ? "current" : undefined}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        context.open(place);
      }}
    >
      {children}
    </a>
  );
}

function CitationItem({ citation, context }: { citation: Citation; context: TurnContext }): JSX.Element {
  const issuer = context.documents.get(citation.doc_id)?.issuer ?? "";
  const copy = async (): Promise<void> => {
    context.say((await copyText(citationLine(citation, issuer))) ? "引文已复制" : "复制失败，请手动选择文字");
  };
  return (
    <li class="citation" data-marker={citation.marker}>
      <PlaceLink place={{ doc_id: citation.doc_id, start: citation.start, end: citation.end, citation }} context={context}>
        <span class="number">{citation.marker}</span>
        <span class="quote">{brief(citation.quote, 90)}</span>
        <span class="from"><span class="title">{citation.title}</span>{citation.section.length > 0 && ` › ${sectionPath(citation.section)}`}</span>
        <span class="where">{dotted(issuer, chineseDate(citation.published), placeOf(citation.origin))} <Validity validity={citation.validity} /></span>
      </PlaceLink>
      <button type="button" class="quiet copy-citation" aria-label={`复制引文${citation.marker}`} title="复制引文" onClick={() => void copy()}>
        <Icon name="copy" />
      </button>
      {(citation.relative_dates ?? []).length > 0 && (
        <p class="refers small">文中{citation.relative_dates!.map(({ text, date }) => `“${text}”指${chineseDate(date)}`).join("，")}</p>
      )}
      {(citation.refers_to ?? []).length > 0 && (
        <p class="refers small">
          文中所指：
          {citation.refers_to!.map((reference) => (
            <PlaceLink key={`${reference.label} ${reference.start}`} place={reference} context={context}>{reference.label}</PlaceLink>
          ))}
        </p>
      )}
    </li>
  );
}

function PassageItem({ passage, context }: { passage: Passage; context: TurnContext }): JSX.Element {
  const info = context.documents.get(passage.doc_id);
  return (
    <li class="passage">
      <PlaceLink place={{ doc_id: passage.doc_id, start: passage.start, end: passage.end }} context={context}>
        <span class="title">{info?.title ?? passage.doc_id}</span>
        {info && <span class="where">{aboutDocument(info)}</span>}
        <span class="quote">{brief(passage.text, 110)}</span>
      </PlaceLink>
    </li>
  );
}

function Passages({ answer, context }: { answer: Answer; context: TurnContext }): JSX.Element | null {
  if (answer.passages.length <= (answer.status === "refused" ? NEAREST_SHOWN : 0)) return null;
  return (
    <details class="passages">
      <summary>检索到的段落（{answer.passages.length}）</summary>
      <ol>{answer.passages.map((passage) => <PassageItem key={passage.passage_id} passage={passage} context={context} />)}</ol>
    </details>
  );
}
