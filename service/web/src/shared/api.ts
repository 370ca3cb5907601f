// Calls of the service: problems become errors with a message for people, streams become callbacks.
import type { Answer, AskBody, Passage } from "./types.ts";

/** The service said no, or could not be reached (`status` 0). `message` is for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  get needsKey(): boolean {
    return this.status === 401;
  }
}

export interface AskEvents {
  /** What was found, before it is read. */
  passages?: (passages: Passage[]) => void;
  /** One checked sentence, to be appended to the answer so far. */
  sentence?: (text: string, citations: number[]) => void;
}

const GENERAL: Record<number, string> = {
  401: "需要访问密钥。",
  403: "当前密钥没有这项权限。",
  404: "没有找到。",
  408: "网络太慢，请求没有按时送达，请重试。",
  413: "内容太长。",
  422: "这个问题或筛选条件无法处理，请修改后再试。",
  429: "提问太频繁，请稍等片刻再试。",
  500: "服务出错了，请稍后重试。",
  503: "服务正忙或正在启动，请稍后重试。",
  504: "这个问题用时太长，已经中止，请换个更具体的问法。",
};

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Calls of one service. `base` is its address without a slash, `credential` gives the key or token to send and `user` the end
 * user to name, empty for none. */
export class Api {
  constructor(
    readonly base = "",
    private readonly credential: () => string = () => "",
    private readonly user: () => string = () => "",
  ) {}

  /** The reply, whatever its body. Throws ApiError, or the DOMException of an abort. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    const credential = this.credential();
    if (credential) headers.set("Authorization", `Bearer ${credential}`);
    const user = this.user();
    // A header is bytes; the service reads these as UTF-8.
    if (user) headers.set("X-Zhengwen-User", String.fromCharCode(...new TextEncoder().encode(user)));
    let response: Response;
    try {
      response = await fetch(this.base + path, { ...init, headers, credentials: "same-origin" });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new ApiError(0, "连不上服务，请检查网络后重试。");
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** The JSON of a GET. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return readJson<T>(await this.send(path, signal ? { signal } : {}));
  }

  /** The JSON that a body sent as JSON brings; undefined when there is none. */
  async call<T = undefined>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    const init: RequestInit = { method };
    if (body !== undefined) Object.assign(init, json(body));
    const response = await this.send(path, init);
    return response.status === 204 ? (undefined as T) : readJson<T>(response);
  }

  /** A file that a body sent as JSON brings. */
  async file(path: string, body?: unknown): Promise<Blob> {
    const init = body === undefined ? {} : { method: "POST", ...json(body) };
    return (await this.send(path, init)).blob();
  }

  /** Asks in a stream; the whole answer at its end. Throws ApiError also when the stream breaks off. */
  async ask(body: AskBody, events: AskEvents = {}, signal?: AbortSignal): Promise<Answer> {
    const init: RequestInit = { method: "POST", ...json({ ...body, stream: true }) };
    if (signal) init.signal = signal;
    const response = await this.send("/api/ask", init);
    for await (const { name, data } of serverEvents(response)) {
      if (name === "passages") events.passages?.((data as { passages: Passage[] }).passages);
      else if (name === "sentence") {
        const { text, citations } = data as { text: string; citations: number[] };
        events.sentence?.(text, citations);
      } else if (name === "answer") return data as Answer;
      else if (name === "error") {
        const problem = data as { status?: number; detail?: string };
        throw new ApiError(problem.status ?? 500, worded(problem.status ?? 500, problem.detail));
      }
    }
    throw new ApiError(0, BROKEN_OFF);
  }
}

const BROKEN_OFF = "回答中途断开，没有全部送到，请重试。";

const json = (body: unknown): RequestInit => ({
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function readJson<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(0, "服务的回复没有全部送到，请重试。");
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  const detail = body && typeof body === "object" && "detail" in body ? body.detail : undefined;
  return new ApiError(response.status, worded(response.status, detail));
}

/** What is said in Chinese is for people; anything else is for programs, and people get a general word with it. */
function worded(status: number, detail: unknown): string {
  const said = typeof detail === "string" ? detail : "";
  if (/\p{Script=Han}/u.test(said)) return said;
  const general = GENERAL[status] ?? `服务没有给出可用的回复（${status}），请稍后重试。`;
  return said && status === 422 ? `${general}（${said}）` : general;
}

interface ServerEvent {
  name: string;
  data: unknown;
}

/** The events of a stream in order; comments are passed over. Throws ApiError when the connection breaks. */
async function* serverEvents(response: Response): AsyncGenerator<ServerEvent> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError(0, BROKEN_OFF);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function eventOf(block: string): ServerEvent | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5));
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) as unknown } : null;
}
