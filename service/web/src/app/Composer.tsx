// Where questions are written: the field, the filters as chips, send and stop.
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../shared/icons.tsx";
import type { DocumentInfo, Filters } from "../shared/types.ts";
import type { Chat } from "./chat.ts";
import { FilterPanel, chipsOf, without } from "./Filters.tsx";
import { useChanges } from "./memory.ts";

export const MAX_CHARACTERS = 2000;

interface Props {
  chat: Chat;
  documents: DocumentInfo[];
  filters: Filters;
  onFilters: (filters: Filters) => void;
  onAsk: (question: string) => void;
  field: { current: HTMLTextAreaElement | null };
}

export function Composer({ chat, documents, filters, onFilters, onAsk, field }: Props): JSX.Element {
  useChanges(chat);
  const [text, setText] = useState("");
  const [isFiltering, setFiltering] = useState(false);
  const recalled = useRef(-1); // how many questions back the arrow has gone; -1: not at all
  const button = useRef<HTMLButtonElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const chips = chipsOf(filters, documents);
  const tooLong = Array.from(text).length > MAX_CHARACTERS;

  useLayoutEffect(() => {
    const area = field.current!;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [text]);
  useEffect(() => {
    if (!isFiltering) return undefined;
    const outside = (event: Event): void => {
      if (event.target instanceof Node && !form.current!.contains(event.target)) setFiltering(false);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isFiltering]);

  const send = (): void => {
    const question = text.trim();
    if (!question || chat.isBusy || tooLong) return;
    setText("");
    setFiltering(false);
    recalled.current = -1;
    onAsk(question);
  };
  const recall = (step: number): boolean => {
    const asked = [...new Set(chat.turns.map((turn) => turn.question).reverse())];
    if (recalled.current < 0 && (step < 0 || text)) return false;
    const next = recalled.current + step;
    if (next >= asked.length) return true;
    recalled.current = next;
    setText(next < 0 ? "" : asked[next]!);
    return true;
  };
  const keyDown = (event: KeyboardEvent): void => {
    // 229: the Enter that ends an input method's composition, where isComposing is already false.
    if (event.isComposing || event.keyCode === 229 || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      if (recall(event.key === "ArrowUp" ? 1 : -1)) event.preventDefault();
    } else if (event.key === "Escape" && chat.isBusy) {
      event.stopPropagation();
      chat.stop();
    }
  };

  return (
    <form
      id="composer"
      ref={form}
      autocomplete="off"
      onSubmit={(event) => { event.preventDefault(); send(); }}
      onKeyDown={(event) => {
        if (event.key === "Escape" && isFiltering) {
          event.stopPropagation();
          setFiltering(false);
          button.current?.focus();
        }
      }}
    >
      {isFiltering && <FilterPanel documents={documents} filters={filters} onFilters={onFilters} onClose={() => { setFiltering(false); field.current?.focus(); }} />}
      <div class="field">
        {chips.length > 0 && (
          <ul class="chips" aria-label="筛选条件">
            {chips.map((chip) => (
              <li key={`${chip.field} ${chip.value}`} class="chip">
                <span><b>{chip.label}</b>{chip.shown}</span>
                <button type="button" aria-label={`去掉筛选：${chip.label} ${chip.shown}`} onClick={() => onFilters(without(filters, chip))}>
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
        )}
        <label for="question" class="sr">您的问题</label>
        <textarea
          id="question"
          ref={field}
          rows={1}
          placeholder={chat.turns.length ? "继续追问，或提出新问题…" : "输入政策问题…"}
          enterkeyhint="send"
          aria-describedby="hint"
          value={text}
          onInput={(event) => { recalled.current = -1; setText(event.currentTarget.value); }}
          onKeyDown={keyDown}
        />
        <div class="actions">
          <button type="button" class="quiet" id="filter" ref={button} aria-expanded={isFiltering} onClick={() => setFiltering(!isFiltering)}>
            <Icon name="filter" /> 筛选范围
          </button>
          {tooLong && <span class="warning small" role="alert">超过 {MAX_CHARACTERS} 字，请缩短</span>}
          {chat.isBusy ? (
            <button type="button" id="stop" class="primary stop" onClick={() => { chat.stop(); field.current?.focus(); }}>停止</button>
          ) : (
            <button type="submit" id="send" class="primary" disabled={!text.trim() || tooLong}>提问</button>
          )}
        </div>
      </div>
      <p class="fine">
        <span>回答逐句取自收录文件，请以原文为准</span>
        <span id="hint" class="keys"><kbd>Enter</kbd> 提问 <kbd>Shift</kbd>+<kbd>Enter</kbd> 换行 <kbd>/</kbd> 回到这里 <kbd>↑</kbd> 上一个问题</span>
      </p>
    </form>
  );
}
