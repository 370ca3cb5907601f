import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

export function SignIn({ problem, onKey }: { problem: string; onKey: (key: string) => void }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current!.focus(), []);
  return (
    <form
      class="card sign-in"
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        onKey(field.current!.value.trim());
      }}
    >
      <h2>请输入管理密钥</h2>
      <p class="soft">
        密钥由 <code>zhengwen keys create --name NAME --scope admin</code> 生成，只保存在当前标签页。
      </p>
      <label for="admin-key">管理密钥</label>
      <input id="admin-key" class="input" type="password" ref={field} required autocomplete="off" spellcheck={false} placeholder="zw-…" />
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary">
        进入
      </button>
    </form>
  );
}
