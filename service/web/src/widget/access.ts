// The browser token of a widget: where it comes from, and another one when it has ended. The long-lived key stays on the
// portal's server; see docs/access.md.
import { ApiError, type Api } from "../shared/api.ts";

const EARLY_SECONDS = 60;
const WAIT_SECONDS = 15;

interface TokenReply {
  token: string;
  expires_in?: number;
}

export class Access {
  token = "";
  /** Address on the portal's own server that answers POST with {"token", "expires_in"}; empty for none. */
  tokenEndpoint = "";
  private ends = Infinity;
  private renewing: Promise<void> | null = null;

  /** `ask` tells the page around that a token is needed; the page calls `use` when it has one. */
  constructor(private readonly ask: (provide: (token: string) => void) => void) {}

  private waiting: (() => void) | null = null;

  use(token: string, seconds = Infinity): void {
    this.token = token;
    this.ends = Date.now() + 1000 * seconds;
    if (token) this.waiting?.();
  }

  /** What `call` gives; where the service says that the token has ended or is missing, with another one. */
  async run<T>(api: Api, call: (api: Api) => Promise<T>): Promise<T> {
    if (this.token ? Date.now() > this.ends - 1000 * EARLY_SECONDS : this.tokenEndpoint) await this.renew();
    const used = this.token;
    try {
      return await call(api);
    } catch (error) {
      if (!(error instanceof ApiError && error.needsKey)) throw error;
      if (used === this.token) await this.renew();
      return call(api);
    }
  }

  private renew(): Promise<void> {
    this.renewing ??= (this.tokenEndpoint ? this.fetched() : this.given()).finally(() => (this.renewing = null));
    return this.renewing;
  }

  private async fetched(): Promise<void> {
    let reply: TokenReply;
    try {
      const response = await fetch(this.tokenEndpoint, { method: "POST", credentials: "same-origin" });
      if (!response.ok) throw new Error(String(response.status));
      reply = (await response.json()) as TokenReply;
    } catch {
      throw new ApiError(401, "没有取得访问令牌，请刷新页面或重新登录后再试。");
    }
    this.use(reply.token, reply.expires_in ?? Infinity);
  }

  private given(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting = null;
        reject(new ApiError(401, "访问令牌已过期，请刷新页面后再试。"));
      }, 1000 * WAIT_SECONDS);
      this.waiting = () => {
        clearTimeout(timer);
        this.waiting = null;
        resolve();
      };
      this.ask((token) => this.use(token));
    });
  }
}
