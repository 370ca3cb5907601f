import type { JSX } from "preact";
import { ApiError } from "../shared/api.ts";
import type { Session } from "../app/session.ts";
import { useLoaded } from "./loading.ts";

/** The address of the report, empty when there is none. */
async function address(session: Session): Promise<string> {
  try {
    return (await session.run((api) => api.call<{ url: string }>("POST", "/api/admin/report/link"))).url;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return "";
    throw error;
  }
}

export function Report({ session }: { session: Session }): JSX.Element {
  const loaded = useLoaded(session, () => address(session));
  return (
    <section class="report">
      <div class="bar">
        <h2>评测报告</h2>
        <button type="button" class="quiet framed" onClick={loaded.again}>
          刷新
        </button>
      </div>
      {loaded.problem && (
        <p class="problem" role="alert">
          {loaded.problem}
        </p>
      )}
      {loaded.value === "" && (
        <p class="empty">
          还没有报告：用 <code>zhengwen eval report</code> 生成，并把 <code>ZHENGWEN_REPORT</code> 设为它的路径。
        </p>
      )}
      {loaded.value && <iframe title="评测报告" src={loaded.value} sandbox="allow-scripts" />}
    </section>
  );
}
