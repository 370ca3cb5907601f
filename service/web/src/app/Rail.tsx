// The left side: a new conversation, the documents, and the conversations that the service keeps.
import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../shared/api.ts";
import { Icon } from "../shared/icons.tsx";
import { download } from "../shared/text.ts";
import type { ConversationSummary, Page } from "../shared/types.ts";
import type { Chat } from "./chat.ts";
import { useChanges } from "./memory.ts";
import type { Session } from "./session.ts";

const PAUSE_MS = 200; // after a key in the search field

interface Props {
  session: Session;
  chat: Chat;
  version: string;
  view: string;
  onNew: () => void;
  onOpen: (conversation: string) => void;
  onDocuments: () => void;
  say: (text: string) => void;
}

export function Rail({ session, chat, version, view, onNew, onOpen, onDocuments, say }: Props): JSX.Element {
  useChanges(chat);
  const [search, setSearch] = useState("");
  const [page, setPage] = useState<Page<ConversationSummary>>({ items: [], cursor: "" });
  const [problem, setProblem] = useState("");
  const latest = useRef(0);

  const load = useCallback(
    async (cursor: string) => {
      const ticket = (latest.current += 1);
      const query = new URLSearchParams({ search, limit: "30", cursor });
      try {
        const next = await session.run((api) => api.get<Page<ConversationSummary>>(`/api/conversations?${query}`));
        chat.keep(true);
        if (ticket !== latest.current) return;
        setPage((before) => (cursor ? { items: [...before.items, ...next.items], cursor: next.cursor } : next));
        setProblem("");
      } catch (error) {
        if (ticket !== latest.current) return;
        if (error instanceof Error && "status" in error && error.status === 403) chat.keep(false);
        else setProblem(messageOf(error));
      }
    },
    [search, session, chat],
  );

  // Again whenever an answer has been added to one.
  const kept = `${chat.conversation} ${chat.turns.filter((turn) => turn.state === "done").length}`;
  useEffect(() => {
    const pause = setTimeout(() => void load(""), search ? PAUSE_MS : 0);
    return () => clearTimeout(pause);
  }, [load, kept]);

  const items = page.items.filter((item) => item.turns > 0);
  return (
    <nav class="rail" id="rail" aria-label="对话与文件">
      <a class="brand" href="/" onClick={(event) => { event.preventDefault(); onNew(); }}>
        <span class="seal" aria-hidden="true">问</span>
        <span>政问<span class="sr">，开始新对话</span></span>
      </a>
      <button type="button" class="rail-button" id="new-chat" onClick={onNew}>
        <Icon name="plus" /> 新对话
      </button>
      <a
        class="rail-button"
        id="open-documents"
        href="/#documents"
        aria-current={view === "documents" ? "page" : undefined}
        onClick={(event) => { event.preventDefault(); onDocuments(); }}
      >
        <Icon name="book" /> 文件库
      </a>
      {chat.keeps === false ? (
        <p class="soft small pad">这里不保存对话记录。</p>
      ) : (
        <section class="conversations" aria-label="保存的对话">
          <label class="search">
            <Icon name="search" />
            <span class="sr">搜索对话</span>
            <input type="search" id="conversation-search" class="input" placeholder="搜索对话" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
          </label>
          {problem && <p class="soft small pad">{problem}</p>}
          {!problem && items.length === 0 && <p class="soft small pad">{search ? "没有找到这样的对话。" : "还没有保存的对话。"}</p>}
          <ul>
            {items.map((item) => (
              <Row
                key={item.conversation_id}
                item={item}
                isCurrent={item.conversation_id === chat.conversation && view === "chat"}
                session={session}
                onOpen={() => onOpen(item.conversation_id)}
                onChanged={(gone) => {
                  if (gone && item.conversation_id === chat.conversation) onNew();
                  void load("");
                }}
                say={say}
              />
            ))}
          </ul>
          {page.cursor && (
            <button type="button" class="quiet" onClick={() => void load(page.cursor)}>
              更早的对话
            </button>
          )}
        </section>
      )}
      <p class="version small soft">{version}</p>
    </nav>
  );
}

function Row({
  item,
  isCurrent,
  session,
  onOpen,
  onChanged,
  say,
}: {
  item: ConversationSummary;
  isCurrent: boolean;
  session: Session;
  onOpen: () => void;
  onChanged: (gone: boolean) => void;
  say: (text: string) => void;
}): JSX.Element {
  const [mode, setMode] = useState<"plain" | "menu" | "rename" | "delete">("plain");
  const field = useRef<HTMLInputElement>(null);
  const more = useRef<HTMLButtonElement>(null);
  const path = `/api/conversations/${encodeURIComponent(item.conversation_id)}`;
  const title = item.title || "未命名的对话";

  useLayoutEffect(() => {
    if (mode !== "rename") return;
    field.current?.focus();
    field.current?.select();
  }, [mode]);
  const back = (): void => {
    setMode("plain");
    more.current?.focus();
  };
  const act = async (what: () => Promise<unknown>): Promise<boolean> => {
    try {
      await what();
      return true;
    } catch (error) {
      say(messageOf(error));
      return false;
    }
  };
  const rename = async (): Promise<void> => {
    const name = field.current?.value.trim();
    setMode("plain"); // takes the field away, whose blur then comes here and finds none
    if (name && name !== item.title) {
      if (await act(() => session.run((api) => api.call("PATCH", path, { title: name })))) onChanged(false);
    }
  };
  const remove = async (): Promise<void> => {
    if (await act(() => session.run((api) => api.call("DELETE", path)))) {
      say("对话已删除");
      onChanged(true);
    }
  };
  const save = async (format: "md" | "txt"): Promise<void> => {
    await act(async () => download(await session.run((api) => api.file(`${path}/export?format=${format}`)), `${title}.${format}`));
    setMode("plain");
  };

  return (
    <li class={`conversation ${isCurrent ? "current" : ""}`} onKeyDown={(event) => { if (event.key === "Escape" && mode !== "plain") { event.stopPropagation(); back(); } }}>
      {mode === "rename" ? (
        <form class="rename" onSubmit={(event) => { event.preventDefault(); void rename(); }}>
          <label class="sr" for={`name-${item.conversation_id}`}>对话名称</label>
          <input class="input" id={`name-${item.conversation_id}`} ref={field} defaultValue={item.title} maxLength={200} onBlur={() => void rename()} />
        </form>
      ) : (
        <div class="row">
          <button type="button" class="open" aria-current={isCurrent ? "true" : undefined} onClick={onOpen} title={title}>
            {title}
          </button>
          <button
            type="button"
            class="more"
            ref={more}
            aria-label={`“${title}”的操作`}
            aria-expanded={mode !== "plain"}
            onClick={() => setMode(mode === "plain" ? "menu" : "plain")}
          >
            <Icon name="more" />
          </button>
        </div>
      )}
      {mode === "menu" && (
        <div class="menu">
          <button type="button" class="quiet" onClick={() => setMode("rename")}>重命名</button>
          <button type="button" class="quiet" onClick={() => void save("md")}>导出 Markdown</button>
          <button type="button" class="quiet" onClick={() => void save("txt")}>导出文本</button>
          <button type="button" class="quiet danger" onClick={() => setMode("delete")}>删除</button>
        </div>
      )}
      {mode === "delete" && (
        <div class="menu" role="alertdialog" aria-label="确认删除">
          <span class="small">删除后无法恢复。</span>
          <button type="button" class="quiet danger" ref={(node) => node?.focus()} onClick={() => void remove()}>确认删除</button>
          <button type="button" class="quiet" onClick={back}>取消</button>
        </div>
      )}
    </li>
  );
}
