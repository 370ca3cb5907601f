// The page: what stands where, what the address says, and the keys.
import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { messageOf } from "../shared/api.ts";
import { Icon } from "../shared/icons.tsx";
import { sourcePath, withoutStars } from "../shared/text.ts";
import type { Citation, DocumentInfo, Filters, SharedAnswer } from "../shared/types.ts";
import type { Chat } from "./chat.ts";
import { Composer } from "./Composer.tsx";
import { KeyDialog } from "./Dialog.tsx";
import { Documents } from "./Documents.tsx";
import { useChanges } from "./memory.ts";
import { Peek } from "./Peek.tsx";
import { Rail } from "./Rail.tsx";
import type { Session } from "./session.ts";
import { Source } from "./Source.tsx";
import { TurnView, type Place } from "./TurnView.tsx";

const TOAST_MS = 4000;
const COVERING = "(max-width: 999px)"; // the source covers the page; app.css has the same width
const DRAWER = "(max-width: 859px)"; // the rail is a drawer; so does app.css

interface Route {
  view: "chat" | "documents" | "reader";
  docId: string;
  span: [number, number] | null;
  /** Whether the document stands beside the chat. */
  isBeside: boolean;
}

/** What the address and its state say. */
function routeOf(): Route {
  const { pathname, hash } = location;
  const none: Route = { view: "chat", docId: "", span: null, isBeside: false };
  if (pathname.startsWith("/d/")) {
    const [, start, end] = /char=(\d+),(\d+)/.exec(hash) ?? [];
    const isBeside = (history.state as { beside?: boolean } | null)?.beside === true;
    const docId = decoded(pathname.slice(3));
    return { view: isBeside ? "chat" : "reader", docId, span: end ? [Number(start), Number(end)] : null, isBeside };
  }
  return hash === "#documents" ? { ...none, view: "documents" } : none;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // no address that we ever give; the service will say that there is no such document
  }
}

/** The conversation that the address names. */
const namedConversation = (): string =>
  /^#c=([\w-]+)$/.exec(location.hash)?.[1] ?? (history.state as { conversation?: string } | null)?.conversation ?? "";

export function App({ session, chat }: { session: Session; chat: Chat }): JSX.Element {
  useChanges(chat);
  const [route, setRoute] = useState(routeOf);
  const [documents, setDocuments] = useState<DocumentInfo[] | null>(null);
  const [documentsProblem, setDocumentsProblem] = useState("");
  const [filters, setFilters] = useState<Filters>({});
  const [version, setVersion] = useState("");
  const [toast, setToast] = useState({ text: "", count: 0 });
  const [keyProblem, setKeyProblem] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const [isShared, setIsShared] = useState(location.pathname.startsWith("/a/"));
  const [shared, setShared] = useState<SharedAnswer | null>(null);
  const [isDrawn, setDrawn] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const menu = useRef<HTMLButtonElement>(null);
  const opener = useRef<Element | null>(null);
  const scroller = useRef<HTMLDivElement>(null);

  const say = useCallback((text: string) => setToast((before) => ({ text, count: before.count + 1 })), []);
  const go = useCallback((path: string, state: object | null = null) => {
    history.pushState(state, "", path);
    setRoute(routeOf());
    setDrawn(false);
  }, []);
  const loadDocuments = useCallback(() => {
    setDocumentsProblem("");
    session
      .run((api) => api.get<{ documents: DocumentInfo[] }>("/api/documents"))
      .then((reply) => setDocuments(reply.documents), (error: unknown) => setDocumentsProblem(messageOf(error)));
  }, [session]);

  // What the address asks for when the page is opened.
  useEffect(() => {
    session.askForKey = setKeyProblem;
    loadDocuments();
    // Decoration only.
    session.api.get<{ version: string }>("/version").then((reply) => setVersion(`政问 ${reply.version}`), () => undefined);
    const shared = /^\/a\/([^/]+)$/.exec(location.pathname)?.[1];
    const conversation = namedConversation();
    if (shared) {
      session
        .run((api) => api.get<SharedAnswer>(`/api/answers/${shared}`))
        .then((found) => { setShared(found); chat.show(found.answer); }, (error: unknown) => setProblem(messageOf(error)));
    }
    if (conversation) chat.open(conversation).catch((error: unknown) => setProblem(messageOf(error)));
    const onPop = (): void => {
      setRoute(routeOf());
      const named = namedConversation();
      if (named && named !== chat.conversation) chat.open(named).catch((error: unknown) => setProblem(messageOf(error)));
    };
    window.addEventListener("popstate", onPop);
    return () => window.removeEventListener("popstate", onPop);
  }, []);

  // The address names the conversation, so that a reload and a bookmark find it again.
  useEffect(() => {
    if (chat.conversation && location.pathname === "/" && route.view === "chat" && chat.turns.some((turn) => turn.state === "done")) {
      const address = `/#c=${chat.conversation}`;
      if (location.pathname + location.hash !== address) history.replaceState(null, "", address);
    }
  });

  useEffect(() => {
    if (!toast.text) return undefined;
    const fading = setTimeout(() => setToast((before) => ({ ...before, text: "" })), TOAST_MS);
    return () => clearTimeout(fading);
  }, [toast]);

  const byId = useMemo(() => new Map((documents ?? []).map((info) => [info.doc_id, info])), [documents]);
  const citations = useMemo(() => {
    const found = new Map<string, Citation>();
    for (const turn of chat.turns) for (const citation of turn.answer?.citations ?? []) found.set(`${citation.doc_id}#${citation.start},${citation.end}`, citation);
    return found;
  }, [chat.turns, chat.isBusy]);
  const findCitation = useCallback((marker: Element) => citations.get(marker.getAttribute("data-cite") ?? ""), [citations]);

  const open = useCallback((place: Place) => {
    const address = sourcePath(place.doc_id, place);
    const state = { beside: true, conversation: chat.conversation };
    if (routeOf().isBeside) history.replaceState(state, "", address); // one step back always closes the source
    else {
      opener.current = document.activeElement;
      history.pushState(state, "", address);
    }
    setRoute(routeOf());
  }, []);
  const close = useCallback(() => {
    if (routeOf().isBeside && history.length > 1) history.back();
    else go("/");
  }, []);

  // The focus returns to what opened the source.
  const wasBeside = useRef(false);
  useEffect(() => {
    if (wasBeside.current && !route.isBeside && route.view === "chat") {
      const back = opener.current;
      (back instanceof HTMLElement && back.isConnected ? back : field.current)?.focus({ preventScroll: true });
    }
    wasBeside.current = route.isBeside;
  }, [route]);
  useEffect(() => {
    if (route.view === "documents") document.querySelector<HTMLElement>(".documents-page h1")?.focus({ preventScroll: true });
  }, [route.view]);
  useEffect(() => {
    if (route.view === "chat" && !route.isBeside && !isShared && !window.matchMedia(COVERING).matches) field.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    const name = route.docId ? byId.get(route.docId)?.title : route.view === "documents" ? "文件库" : chat.turns[0]?.question;
    document.title = name ? `${withoutStars(name).slice(0, 40)} · 政问` : "政问 · 有据可查的政策问答";
  });

  const newChat = useCallback(() => {
    const unused = chat.conversation && !chat.turns.some((turn) => turn.state === "done") ? chat.conversation : "";
    chat.clear();
    if (unused) session.api.call("DELETE", `/api/conversations/${unused}`).catch(() => undefined);
    setIsShared(false);
    setProblem("");
    setFilters({});
    go("/");
    field.current?.focus();
  }, []);
  const openConversation = (conversation: string): void => {
    setIsShared(false);
    setProblem("");
    go(`/#c=${conversation}`);
    chat.open(conversation).then(
      () => scroller.current?.scrollTo({ top: scroller.current.scrollHeight }),
      (error: unknown) => setProblem(messageOf(error)),
    );
  };
  const ask = (question: string, chosen: Filters = filters): void => {
    setProblem("");
    if (route.view !== "chat") go("/");
    void chat.ask(question, chosen);
    // The keyboard of a phone would cover the answer.
    if (window.matchMedia(COVERING).matches) field.current?.blur();
  };
  const askWithin = (docId: string): void => {
    setFilters({ ...filters, documents: [docId] });
    go(chat.conversation ? `/#c=${chat.conversation}` : "/");
    requestAnimationFrame(() => field.current?.focus());
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select") !== null;
      if (event.key === "/" && !isTyping) {
        event.preventDefault();
        if (route.view === "documents") document.getElementById("document-search")?.focus();
        else if (route.view === "reader" || window.matchMedia(COVERING).matches && route.isBeside) document.getElementById("source-search")?.focus();
        else field.current?.focus();
      } else if (event.key === "Escape") {
        if (isDrawn) {
          setDrawn(false);
          menu.current?.focus();
        } else if (route.docId) close();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [route, isDrawn]);

  const isCovered = route.isBeside && window.matchMedia(COVERING).matches;
  const context = {
    session,
    chat,
    documents: byId,
    current: location.pathname + location.hash,
    open,
    say,
    isShared,
    onWithout: (chosen: Filters) => {
      setFilters(chosen);
      const last = chat.turns.at(-1);
      if (last) ask(last.question, chosen);
    },
  };
  const last = chat.turns.at(-1);
  return (
    <div class="app" data-view={route.view} data-beside={route.isBeside} data-drawn={isDrawn}>
      <header class="top" inert={isCovered}>
        <button type="button" class="quiet" id="menu" ref={menu} aria-label="菜单" aria-expanded={isDrawn} aria-controls="rail" onClick={() => setDrawn(!isDrawn)}>
          <Icon name="menu" />
        </button>
        <span class="brand"><span class="seal" aria-hidden="true">问</span>政问</span>
        <button type="button" class="quiet" aria-label="新对话" onClick={newChat}><Icon name="plus" /></button>
      </header>
      <div class="rail-box" inert={isCovered || (!isDrawn && window.matchMedia(DRAWER).matches)}>
        <Rail
          session={session}
          chat={chat}
          version={version}
          view={route.view}
          onNew={newChat}
          onOpen={openConversation}
          onDocuments={() => go("/#documents")}
          say={say}
        />
      </div>
      {isDrawn && <div class="veil" onClick={() => setDrawn(false)} />}

      <main class="stage" inert={isCovered || isDrawn}>
        {route.view === "documents" && (
          <div class="scroller">
            <Documents documents={documents} problem={documentsProblem} onOpen={(docId) => go(sourcePath(docId))} onAskWithin={askWithin} onRetry={loadDocuments} />
          </div>
        )}
        {route.view === "chat" && (
          <>
            <div class="scroller" id="scroller" ref={scroller}>
              {problem && <p class="failure column" role="alert">{problem}</p>}
              {chat.turns.length === 0 && !isShared && !problem && <Welcome session={session} count={documents?.length ?? null} onAsk={(question) => ask(question)} />}
              {isShared && shared && <SharedNote shared={shared} onContinue={() => { setIsShared(false); go("/"); requestAnimationFrame(() => field.current?.focus()); }} />}
              <div id="messages" class="column">
                {chat.turns.map((turn) => <TurnView key={turn.id} turn={turn} context={context} />)}
              </div>
            </div>
            {!isShared && <Composer chat={chat} documents={documents ?? []} filters={filters} onFilters={setFilters} onAsk={(question) => ask(question)} field={field} />}
          </>
        )}
        {route.view === "reader" && source()}
      </main>
      {route.isBeside && source()}

      <Peek find={findCitation} />
      <div id="toast" role="status" aria-live="polite" data-shown={toast.text !== ""}>{toast.text}</div>
      <div class="sr" role="status" aria-live="polite" id="live">{announced(last)}</div>
      {keyProblem !== null && (
        <KeyDialog
          problem={keyProblem}
          onKey={(key, user) => { setKeyProblem(null); session.use(key, user); loadDocuments(); }}
          onCancel={() => { setKeyProblem(null); session.cancel(); }}
        />
      )}
    </div>
  );

  function source(): JSX.Element {
    const key = route.span ? `${route.docId}#${route.span[0]},${route.span[1]}` : "";
    return (
      <Source
        session={session}
        docId={route.docId}
        span={route.span}
        citation={citations.get(key)}
        isAlone={!route.isBeside}
        onClose={close}
        onDocuments={() => go("/#documents")}
        onAskWithin={askWithin}
        say={say}
      />
    );
  }
}

/** What a screen reader is told of the last question. */
function announced(turn: Chat["turns"][number] | undefined): string {
  if (!turn) return "";
  if (turn.state === "busy") return "正在检索并核对原文";
  if (!turn.answer) return turn.state === "stopped" ? "已停止" : `没有问成：${turn.problem}`;
  return `${withoutStars(turn.answer.answer)} 引用${turn.answer.citations.length}处`;
}

function SharedNote({ shared, onContinue }: { shared: SharedAnswer; onContinue: () => void }): JSX.Element {
  const failing = shared.checks.filter((check) => check.problem !== null);
  return (
    <div class={`column shared-note ${shared.holds ? "" : "stale"}`}>
      <p>
        分享的回答 · {new Date(shared.created).toLocaleDateString("zh-CN", { year: "numeric", month: "long", day: "numeric" })}
        {shared.holds ? " · 出处刚刚重新核对过，与现有文件一致。" : " · 文件此后有变动，下列内容与现有文件不再一致："}
      </p>
      {failing.length > 0 && <ul>{failing.map((check) => <li key={`${check.marker} ${check.text}`}>{check.marker === null ? "" : `[${check.marker}] `}{withoutStars(check.text)}</li>)}</ul>}
      <button type="button" class="quiet framed" onClick={onContinue}>继续提问</button>
    </div>
  );
}

function Welcome({ session, count, onAsk }: { session: Session; count: number | null; onAsk: (question: string) => void }): JSX.Element {
  const [examples, setExamples] = useState<string[] | null>(null);
  useEffect(() => {
    // Decoration only.
    session.api.get<{ examples: { question: string }[] }>("/api/examples").then((reply) => setExamples(reply.examples.map((example) => example.question)), () => setExamples([]));
  }, []);
  return (
    <section class="welcome column" aria-labelledby="welcome-title">
      <h1 id="welcome-title">想了解哪项政策？</h1>
      <p class="soft">只依据收录的{count === null ? "" : ` ${count} 份`}文件回答，每句话都能点开原文核对；没有依据，就如实说明。</p>
      {(examples === null || examples.length > 0) && (
        <>
          <h2 class="small soft">可以问，例如</h2>
          <ul class="examples" aria-busy={examples === null}>
            {examples?.map((question) => (
              <li key={question}>
                <button type="button" class="example" onClick={() => onAsk(question)}>{question}</button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
