// What can be done with an answer: copy, export, print, share, and say what it was worth.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../shared/api.ts";
import { Icon } from "../shared/icons.tsx";
import { brief, copyText, download, footnoted } from "../shared/text.ts";
import type { Answer, FeedbackReason, FeedbackVerdict } from "../shared/types.ts";
import type { TurnContext } from "./TurnView.tsx";

const REASONS: [FeedbackReason, string][] = [
  ["wrong", "内容有误"],
  ["incomplete", "不完整"],
  ["citation", "出处不对"],
  ["outdated", "已经过时"],
  ["unclear", "看不明白"],
  ["refused", "应当能答却没答"],
  ["other", "其他"],
];
const MAX_COMMENT = 2000;

export function AnswerTools({ answer, context, card }: { answer: Answer; context: TurnContext; card: { current: HTMLElement | null } }): JSX.Element {
  const { session, say } = context;
  const [given, setGiven] = useState<FeedbackVerdict | null>(null);
  const [isExplaining, setExplaining] = useState(false);
  const [link, setLink] = useState("");
  const down = useRef<HTMLButtonElement>(null);

  const act = async (what: () => Promise<void>): Promise<void> => {
    try {
      await what();
    } catch (error) {
      say(messageOf(error));
    }
  };
  const copy = async (): Promise<void> => {
    const text = footnoted(answer, (docId) => context.documents.get(docId)?.issuer ?? "");
    say((await copyText(text)) ? "已复制回答和注释" : "复制失败，请手动选择文字");
  };
  const save = (format: "docx" | "md"): Promise<void> =>
    act(async () => {
      const file = await session.run((api) => api.file(`/api/answers/export?format=${format}`, answer));
      download(file, `${brief(answer.question, 30).replace(/[\\/:*?"<>|]/g, " ")}.${format}`);
      say(format === "docx" ? "已导出 Word 文件" : "已导出 Markdown 文件");
    });
  const share = (): Promise<void> =>
    act(async () => {
      const { url } = await session.run((api) => api.call<{ url: string }>("POST", "/api/answers/share", answer));
      const address = new URL(url, location.origin).href;
      setLink(address);
      say((await copyText(address)) ? "链接已复制，打开后可以看到这个回答" : "链接已生成，请手动复制");
    });
  const judge = (verdict: FeedbackVerdict, reason?: FeedbackReason, comment = ""): Promise<void> =>
    act(async () => {
      await session.run((api) => api.call("POST", "/api/feedback", { answer, verdict, comment, ...(reason ? { reason } : {}) }));
      setGiven(verdict);
      setExplaining(false);
      say("感谢反馈，已经记下");
    });
  const print = (): void => {
    const { current } = card;
    if (!current) return;
    const turn = current.closest(".turn");
    turn?.classList.add("printed");
    document.documentElement.classList.add("printing-one");
    window.addEventListener("afterprint", () => {
      turn?.classList.remove("printed");
      document.documentElement.classList.remove("printing-one");
    }, { once: true });
    window.print();
  };

  const total = answer.timings["total_ms"];
  return (
    <footer class="after">
      <div class="tools" role="group" aria-label="对这个回答的操作">
        <button type="button" class="quiet copy" onClick={() => void copy()}><Icon name="copy" /> 复制</button>
        <button type="button" class="quiet" data-export="docx" onClick={() => void save("docx")}><Icon name="file" /> Word</button>
        <button type="button" class="quiet" data-export="md" onClick={() => void save("md")}><Icon name="file" /> Markdown</button>
        <button type="button" class="quiet print" onClick={print}><Icon name="print" /> 打印</button>
        {!context.isShared && <button type="button" class="quiet share" onClick={() => void share()}><Icon name="share" /> 分享</button>}
        <span class="judging">
          <button type="button" class="quiet" aria-label="有帮助" title="有帮助" aria-pressed={given === "up"} disabled={given !== null} onClick={() => void judge("up")}>
            <Icon name="up" />
          </button>
          <button
            type="button"
            class="quiet"
            aria-label="没有帮助"
            title="没有帮助"
            ref={down}
            aria-pressed={given === "down"}
            aria-expanded={isExplaining}
            disabled={given !== null}
            onClick={() => setExplaining(!isExplaining)}
          >
            <Icon name="down" />
          </button>
        </span>
        {total !== undefined && <span class="timing">用时 {(total / 1000).toFixed(2)} 秒</span>}
      </div>
      {link && (
        <p class="shared-link small">
          <label>分享链接 <input class="input" readOnly value={link} onFocus={(event) => event.currentTarget.select()} /></label>
        </p>
      )}
      {isExplaining && (
        <FeedbackForm
          isRefused={answer.status === "refused"}
          onSend={(reason, comment) => void judge("down", reason, comment)}
          onCancel={() => { setExplaining(false); down.current?.focus(); }}
        />
      )}
    </footer>
  );
}

function FeedbackForm({
  isRefused,
  onSend,
  onCancel,
}: {
  isRefused: boolean;
  onSend: (reason: FeedbackReason | undefined, comment: string) => void;
  onCancel: () => void;
}): JSX.Element {
  const [reason, setReason] = useState<FeedbackReason | undefined>(undefined);
  const first = useRef<HTMLInputElement>(null);
  const comment = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    first.current?.focus({ preventScroll: true });
    first.current?.form?.scrollIntoView({ block: "nearest" });
  }, []);
  const reasons = REASONS.filter(([name]) => isRefused || name !== "refused");
  return (
    <form
      class="feedback"
      onSubmit={(event) => { event.preventDefault(); onSend(reason, comment.current!.value.trim()); }}
      onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); onCancel(); } }}
    >
      <fieldset>
        <legend>哪里不好？</legend>
        {reasons.map(([name, label], i) => (
          <label key={name} class="choice">
            <input type="radio" name="reason" ref={i === 0 ? first : null} checked={reason === name} onChange={() => setReason(name)} /> {label}
          </label>
        ))}
      </fieldset>
      <label>
        补充说明（选填）
        <textarea class="input" ref={comment} rows={2} maxLength={MAX_COMMENT} placeholder="正确的内容是什么，在哪份文件里？" />
      </label>
      <p class="buttons">
        <button type="button" class="quiet" onClick={onCancel}>取消</button>
        <button type="submit" class="primary">提交</button>
      </p>
    </form>
  );
}
