// Who asks: the key, if the service wants one, for as long as the tab is open.
import { Api, ApiError } from "../shared/api.ts";

const KEY = "zhengwen-key";
const USER = "zhengwen-user";

function stored(name: string): string {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return ""; // a browser that stores nothing
  }
}

function store(name: string, value: string): void {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // Then the key is asked for again after a reload.
  }
}

export class Session {
  private key = stored(KEY);
  private user = stored(USER);
  readonly api = new Api("", () => this.key, () => this.user);
  /** Shows the dialog that asks for a key; set by the page. */
  askForKey: (problem: string) => void = () => undefined;
  private waiting: { promise: Promise<void>; done: () => void; failed: (error: Error) => void } | null = null;

  get hasKey(): boolean {
    return this.key !== "";
  }

  /** What `call` gives; where the service wants a key, the reader is asked for one and the call repeated. */
  async run<T>(call: (api: Api) => Promise<T>): Promise<T> {
    for (;;) {
      const used = this.key;
      try {
        return await call(this.api);
      } catch (error) {
        if (!(error instanceof ApiError && error.needsKey)) throw error;
        if (used === this.key) await this.wanted(used ? "这个密钥无效，或已被撤销。" : "");
      }
    }
  }

  use(key: string, user: string): void {
    this.key = key;
    this.user = user;
    store(KEY, key);
    store(USER, user);
    this.waiting?.done();
    this.waiting = null;
  }

  cancel(): void {
    this.waiting?.failed(new ApiError(401, "没有访问密钥，无法继续。"));
    this.waiting = null;
  }

  private wanted(problem: string): Promise<void> {
    if (!this.waiting) {
      let done!: () => void;
      let failed!: (error: Error) => void;
      const promise = new Promise<void>((resolve, reject) => {
        done = resolve;
        failed = reject;
      });
      this.waiting = { promise, done, failed };
      this.askForKey(problem);
    }
    return this.waiting.promise;
  }
}
