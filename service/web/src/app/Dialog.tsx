// What the page asks for in a dialog: a key.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "../shared/icons.tsx";

export function KeyDialog({
  problem,
  onKey,
  onCancel,
}: {
  problem: string;
  onKey: (key: string, user: string) => void;
  onCancel: () => void;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const key = useRef<HTMLInputElement>(null);
  const user = useRef<HTMLInputElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
    key.current!.focus();
  }, []);
  return (
    <dialog
      id="key-dialog"
      class="dialog"
      ref={dialog}
      aria-labelledby="key-title"
      onCancel={(event) => {
        event.preventDefault();
        onCancel();
      }}
    >
      <form
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          const value = key.current!.value.trim();
          if (value) onKey(value, user.current!.value.trim());
        }}
      >
        <h2 id="key-title">
          <Icon name="key" /> 请输入访问密钥
        </h2>
        <p class="soft">本服务需要密钥才能使用，请向管理员索取。密钥只保存在当前标签页，关闭后即清除。</p>
        {problem && (
          <p class="warning" role="alert">
            {problem}
          </p>
        )}
        <label>
          访问密钥
          <input class="input" type="password" ref={key} name="key" required autocomplete="off" spellcheck={false} placeholder="zw-…" />
        </label>
        <label>
          您的称呼（选填，用来区分各人的对话）
          <input class="input" type="text" ref={user} name="user" maxLength={100} autocomplete="off" />
        </label>
        <p class="buttons">
          <button type="button" class="quiet" onClick={onCancel}>
            取消
          </button>
          <button type="submit" class="primary">
            确定
          </button>
        </p>
      </form>
    </dialog>
  );
}
