import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, messageOf } from "../shared/api.ts";
import type { Session } from "../app/session.ts";
import { localTime, useLoaded } from "./loading.ts";

interface Version {
  version: string;
  current: boolean;
  damaged: boolean;
  built: string | null;
  documents: number | null;
  passages: number | null;
  embedder: string | null;
  fingerprint: string | null;
}

interface Reply {
  versions: Version[];
  served: string;
  problem: string | null;
}

const short = (fingerprint: string): string => fingerprint.replace(/^sha256:/, "").slice(0, 12);

export function Versions({ session }: { session: Session }): JSX.Element {
  const loaded = useLoaded(session, (api) => api.get<Reply>("/api/admin/versions"));
  const [asked, setAsked] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState({ text: "", isGood: true });

  async function act(path: string, body: unknown, done: (changed: boolean) => string): Promise<void> {
    setBusy(true);
    setAsked("");
    setSaid({ text: "", isGood: true });
    try {
      const reply = await session.run((api) => api.call<{ changed: boolean }>("POST", path, body));
      setSaid({ text: done(reply.changed), isGood: true });
    } catch (error) {
      const detail = error instanceof ApiError && error.status === 409 ? "这个版本现在不能启用，原因见下方或服务日志。" : messageOf(error);
      setSaid({ text: detail, isGood: false });
    } finally {
      setBusy(false);
      loaded.again();
    }
  }

  const reply = loaded.value;
  return (
    <section>
      <div class="bar">
        <h2>索引版本</h2>
        <button
          type="button"
          class="quiet framed"
          disabled={isBusy}
          onClick={() => void act("/api/admin/reload", undefined, (changed) => (changed ? "已载入最新版本。" : "已是最新版本，没有变化。"))}
        >
          重新载入
        </button>
      </div>
      <p class={said.isGood ? "done" : "problem"} role="status">
        {isBusy ? "正在切换…" : said.text}
      </p>
      {loaded.problem && (
        <p class="problem" role="alert">
          {loaded.problem}
        </p>
      )}
      {!reply && !loaded.problem && <p class="empty">正在载入…</p>}
      {reply?.problem && (
        <p class="problem" role="alert">
          最新版本没有启用：<code>{reply.problem}</code>
        </p>
      )}
      {reply && (
        <div class="table" tabIndex={0} role="region" aria-label="索引版本">
          <table>
            <thead>
              <tr>
                <th scope="col">版本</th>
                <th scope="col">建成时间</th>
                <th scope="col" class="number">
                  文件
                </th>
                <th scope="col" class="number">
                  段落
                </th>
                <th scope="col">指纹</th>
                <th scope="col">状态</th>
                <th scope="col">操作</th>
              </tr>
            </thead>
            <tbody>
              {reply.versions.map((one) => (
                <tr key={one.version}>
                  <td>
                    <code>{one.version}</code>
                  </td>
                  <td class="time">{one.built ? localTime(one.built) : "—"}</td>
                  <td class="number">{one.documents ?? "—"}</td>
                  <td class="number">{one.passages ?? "—"}</td>
                  <td>{one.fingerprint ? <code>{short(one.fingerprint)}</code> : "—"}</td>
                  <td>
                    {one.damaged && <span class="badge" data-validity="repealed">损坏</span>}
                    {one.current && <span class="badge" data-status="answered">现行</span>}
                    {one.fingerprint !== null && one.fingerprint === reply.served && <span class="badge">正在服务</span>}
                  </td>
                  <td>
                    {!one.current && !one.damaged && asked !== one.version && (
                      <button type="button" class="quiet" disabled={isBusy} onClick={() => setAsked(one.version)}>
                        改用此版本
                      </button>
                    )}
                    {asked === one.version && (
                      <>
                        <button
                          type="button"
                          class="quiet danger"
                          onClick={() => void act("/api/admin/rollback", { version: one.version }, () => `已改用版本 ${one.version}。`)}
                        >
                          确认改用
                        </button>
                        <button type="button" class="quiet" onClick={() => setAsked("")}>
                          取消
                        </button>
                      </>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {reply && reply.versions.length === 0 && <p class="empty">还没有任何版本，请先建立索引。</p>}
    </section>
  );
}
