import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Session } from "../app/session.ts";
import { localTime, useLoaded } from "./loading.ts";

interface Question {
  question: string;
  kept: "plain" | "hashed" | "omitted";
  count: number;
  first: string;
  last: string;
  reason: string | null;
}

const SPANS = [
  { days: 7, label: "近 7 天" },
  { days: 30, label: "近 30 天" },
  { days: 0, label: "全部" },
];
const LIMIT = 200;

const since = (days: number): string => (days ? `&since=${new Date(Date.now() - 86_400_000 * days).toISOString()}` : "");

export function Unanswered({ session }: { session: Session }): JSX.Element {
  const [days, setDays] = useState(30);
  const loaded = useLoaded(session, (api) => api.get<{ items: Question[] }>(`/api/admin/unanswered?limit=${LIMIT}${since(days)}`), [days]);
  const items = loaded.value?.items;
  return (
    <section>
      <div class="bar">
        <h2>未答问题</h2>
        <div class="choice" role="group" aria-label="时间范围">
          {SPANS.map((span) => (
            <button key={span.days} type="button" class="quiet" aria-pressed={days === span.days} onClick={() => setDays(span.days)}>
              {span.label}
            </button>
          ))}
        </div>
      </div>
      <p class="soft">在收录文件里没有找到依据的提问，问得最多的在前。可据此补充文件。</p>
      {loaded.problem && (
        <p class="problem" role="alert">
          {loaded.problem}
        </p>
      )}
      {!items && !loaded.problem && <p class="empty">正在载入…</p>}
      {items?.length === 0 && <p class="empty">这段时间没有未答的问题。</p>}
      {items && items.length > 0 && (
        <div class="table" tabIndex={0} role="region" aria-label="未答问题">
          <table>
            <thead>
              <tr>
                <th scope="col">问题</th>
                <th scope="col" class="number">
                  次数
                </th>
                <th scope="col">最近一次</th>
                <th scope="col">原因</th>
              </tr>
            </thead>
            <tbody>
              {items.map((item) => (
                <tr key={item.question}>
                  <td class="wide">{worded(item)}</td>
                  <td class="number">{item.count}</td>
                  <td class="time">{localTime(item.last)}</td>
                  <td class="wide">{item.reason ?? "—"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {items?.length === LIMIT && <p class="soft">只列前 {LIMIT} 个；全部可用 zhengwen export unanswered 导出。</p>}
    </section>
  );
}

function worded({ kept, question }: Question): JSX.Element {
  if (kept === "plain") return <>{question}</>;
  return <span class="soft">{kept === "hashed" ? `未保留原文（散列 ${question.slice(0, 12)}）` : "未保留原文"}</span>;
}
