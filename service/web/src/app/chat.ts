// The conversation on the screen: what was asked, what came, and what the service keeps of it.
import { ApiError, isAbort, messageOf } from "../shared/api.ts";
import type { Answer, Conversation, ConversationSummary, Filters, Message } from "../shared/types.ts";
import type { Session } from "./session.ts";

const REMEMBERED = 6; // turns that go along where the service keeps none

export interface Turn {
  id: number;
  question: string;
  filters: Filters;
  state: "busy" | "done" | "stopped" | "failed";
  /** How many passages were found; null before that. */
  found: number | null;
  /** What has come so far. */
  sentences: { text: string; citations: number[] }[];
  answer: Answer | null;
  problem: string;
}

export class Chat {
  turns: Turn[] = [];
  conversation = "";
  title = "";
  /** Whether the service keeps conversations of this asker; null until that is known. */
  keeps: boolean | null = null;
  private running: AbortController | null = null;
  private last = 0;
  private opening = 0;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly session: Session) {}

  get isBusy(): boolean {
    return this.running !== null;
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Says whether the service keeps conversations of this asker. */
  keep(keeps: boolean): void {
    if (this.keeps === keeps) return;
    this.keeps = keeps;
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** Asks, unless something is being asked. */
  async ask(question: string, filters: Filters): Promise<void> {
    if (this.running || !question) return;
    this.last += 1;
    const turn: Turn = { id: this.last, question, filters, state: "busy", found: null, sentences: [], answer: null, problem: "" };
    this.turns = [...this.turns, turn];
    await this.answer(turn);
  }

  stop(): void {
    this.running?.abort();
  }

  /** The same question once more, in the place of what came of it. */
  async retry(turn: Turn): Promise<void> {
    await this.askInstead(turn, turn.question);
  }

  /** Asks something else in the place of a turn; what came after it is forgotten, here and by the service. */
  async askInstead(turn: Turn, question: string): Promise<void> {
    const at = this.turns.indexOf(turn);
    if (this.running || at < 0 || !question) return;
    const kept = this.turns.slice(0, at).filter((each) => each.state === "done").length;
    const { conversation } = this;
    if (conversation && this.turns.slice(at).some((each) => each.state === "done")) {
      try {
        await this.session.run((api) => api.call("DELETE", `/api/conversations/${conversation}/turns/${kept}`));
      } catch (error) {
        turn.problem = messageOf(error);
        turn.state = "failed";
        this.changed();
        return;
      }
    }
    this.turns = this.turns.slice(0, at);
    await this.ask(question, turn.filters);
  }

  /** Empties the screen. */
  clear(): void {
    this.opening += 1;
    this.running?.abort();
    this.running = null;
    this.turns = [];
    this.conversation = "";
    this.title = "";
    this.changed();
  }

  /** Shows a kept conversation. */
  async open(conversation: string): Promise<void> {
    this.opening += 1;
    const ticket = this.opening;
    const kept = await this.session.run((api) => api.get<Conversation>(`/api/conversations/${encodeURIComponent(conversation)}`));
    if (ticket !== this.opening) return; // another one, or a new one, was wanted meanwhile
    this.clear();
    this.conversation = kept.summary.conversation_id;
    this.title = kept.summary.title;
    this.turns = kept.turns.map(({ question, answer }) => this.finished(question, answer));
    this.changed();
  }

  /** Shows one answer, that somebody gave a link to. */
  show(answer: Answer): void {
    this.clear();
    this.turns = [this.finished(answer.question, answer)];
    this.changed();
  }

  private finished(question: string, answer: Answer): Turn {
    this.last += 1;
    return { id: this.last, question, filters: {}, state: "done", found: answer.passages.length, sentences: [], answer, problem: "" };
  }

  private async answer(turn: Turn): Promise<void> {
    const running = new AbortController();
    this.running = running;
    this.changed();
    const past = this.turns.filter((each) => each.answer !== null);
    const isCurrent = (): boolean => this.running === running;
    try {
      const conversation = await this.begin(past.length > 0, running.signal);
      const body = {
        question: turn.question,
        ...(conversation ? { conversation_id: conversation } : { history: history(past) }),
        ...(Object.keys(turn.filters).length ? { filters: turn.filters } : {}),
      };
      const events = {
        passages: (passages: unknown[]) => {
          turn.found = passages.length;
          this.changed();
        },
        sentence: (text: string, citations: number[]) => {
          turn.sentences = [...turn.sentences, { text: unmarked(text, citations), citations }];
          this.changed();
        },
      };
      turn.answer = await this.session.run((api) => {
        turn.sentences = [];
        return api.ask(body, events, running.signal);
      });
      turn.state = "done";
    } catch (error) {
      turn.state = isAbort(error) ? "stopped" : "failed";
      turn.problem = isAbort(error) ? "" : messageOf(error);
    }
    if (isCurrent()) this.running = null;
    this.changed();
  }

  /** The conversation to add to; empty where the service keeps none, or where the past is not in one. */
  private async begin(hasPast: boolean, signal: AbortSignal): Promise<string> {
    if (this.conversation || this.keeps === false || hasPast) return this.conversation;
    try {
      const begun = await this.session.run((api) => api.call<ConversationSummary>("POST", "/api/conversations", {}));
      this.keep(true);
      if (!signal.aborted) this.conversation = begun.conversation_id;
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      this.keep(false);
    }
    if (signal.aborted) throw new DOMException("", "AbortError");
    return this.conversation;
  }
}

const history = (past: Turn[]): Message[] =>
  past.slice(-REMEMBERED).flatMap((turn): Message[] => [
    { role: "user", content: turn.question },
    { role: "assistant", content: turn.answer!.answer },
  ]);

/** A sentence of the stream without its markers and what stands above it. */
function unmarked(text: string, citations: number[]): string {
  const markers = citations.map((number) => `[${number}]`).join("");
  return (text.endsWith(markers) ? text.slice(0, text.length - markers.length) : text).trim();
}
