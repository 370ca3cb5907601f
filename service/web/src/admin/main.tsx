// The page for maintainers: versions of the index, what was asked in vain, feedback, the last evaluation report.
import { render, type ComponentType, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../shared/api.ts";
import { Session } from "../app/session.ts";
import { FeedbackView } from "./Feedback.tsx";
import { Report } from "./Report.tsx";
import { Unanswered } from "./Unanswered.tsx";
import { Versions } from "./Versions.tsx";
import { SignIn } from "./SignIn.tsx";

interface Tab {
  id: string;
  label: string;
  view: ComponentType<{ session: Session }>;
}

const TABS: Tab[] = [
  { id: "versions", label: "索引版本", view: Versions },
  { id: "unanswered", label: "未答问题", view: Unanswered },
  { id: "feedback", label: "用户反馈", view: FeedbackView },
  { id: "report", label: "评测报告", view: Report },
];

const tabOfAddress = (): Tab => TABS.find(({ id }) => location.hash === `#${id}`) ?? TABS[0]!;

function Admin({ session }: { session: Session }): JSX.Element {
  const [tab, setTab] = useState(tabOfAddress);
  const [problem, setProblem] = useState<string | null>(null);
  const [isIn, setIn] = useState<boolean | null>(null);

  const enter = (): void => {
    session.api.get("/api/admin/versions").then(
      () => {
        setProblem(null);
        setIn(true);
      },
      (error: unknown) => {
        setIn(false);
        setProblem(refusal(error, session.hasKey));
      },
    );
  };
  useEffect(enter, []);
  useEffect(() => {
    const follow = (): void => setTab(tabOfAddress());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  session.askForKey = (said) => {
    setProblem(said);
    setIn(false);
  };

  const View = tab.view;
  return (
    <>
      <a class="skip" href="#main">
        跳到内容
      </a>
      <header class="top">
        <a class="brand" href="/">
          政问
        </a>
        <h1>管理</h1>
        {isIn && (
          <nav aria-label="管理">
            {TABS.map(({ id, label }) => (
              <a key={id} class="quiet" href={`#${id}`} aria-current={tab.id === id ? "page" : undefined}>
                {label}
              </a>
            ))}
          </nav>
        )}
        {isIn && session.hasKey && (
          <button
            type="button"
            class="quiet leave"
            onClick={() => {
              session.use("", "");
              setIn(false);
              setProblem("");
            }}
          >
            退出
          </button>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {isIn === null && <p class="empty">正在连接…</p>}
        {isIn === false && (
          <SignIn
            problem={problem ?? ""}
            onKey={(key) => {
              session.use(key, "");
              enter();
            }}
          />
        )}
        {isIn && <View key={tab.id} session={session} />}
      </main>
    </>
  );
}

function refusal(error: unknown, hasKey: boolean): string {
  if (!(error instanceof ApiError)) return String(error);
  if (error.needsKey) return hasKey ? "这个密钥无效，或已被撤销。" : "";
  if (error.status === 403) return "这个密钥没有管理权限：需要带 admin 权限、且能看到全部文件的密钥。";
  return error.message;
}

render(<Admin session={new Session()} />, document.getElementById("app")!);
