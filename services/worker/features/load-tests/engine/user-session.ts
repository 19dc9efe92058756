import { CookieJar } from './cookie-jar.ts';
import type { EngineAccount } from './plan.ts';
import { bytesOfHeaders, mergeHeaders, type RequestTemplate } from './request-template.ts';

/** Headers as they are sent, and the bytes of the whole request. */
interface PreparedHeaders {
  template: RequestTemplate;
  headers: string[];
  bytes: number;
}

/**
 * What the target knows a user by: the headers of its account, and its cookies. Headers are built once for each
 * endpoint and kept until a cookie changes; a user without either sends the template's own.
 */
export class UserSession {
  readonly #host: string;
  #account: EngineAccount | undefined;
  #jar: CookieJar | undefined;
  #preparedVersion = 0;
  #prepared: (PreparedHeaders | undefined)[] = [];

  constructor(host: string, account: EngineAccount | undefined) {
    this.#host = host;
    this.setAccount(account);
  }

  get username(): string | undefined {
    return this.#account?.username;
  }

  /** A new session starts with the cookies it brings and no others. */
  setAccount(account: EngineAccount | undefined): void {
    if (account === this.#account) return;
    this.#account = account;
    this.#jar = undefined;
    this.#prepared = [];
    const cookies = Object.entries(account?.headers ?? {}).find(([name]) => name.toLowerCase() === 'cookie');
    if (cookies) this.#cookies().seed(cookies[1]);
  }

  storeCookies(headers: readonly string[], path: string): void {
    const jar = this.#cookies();
    for (const header of headers) jar.store(header, path);
  }

  /** The headers of a request and its size: as prepared, if nothing has changed. */
  prepare(template: RequestTemplate): { headers: string[]; bytes: number } {
    if (this.#jar === undefined && this.#account === undefined) return template;
    if (this.#jar !== undefined && (this.#jar.expires || this.#jar.version !== this.#preparedVersion)) {
      this.#preparedVersion = this.#jar.version;
      this.#prepared = [];
    }
    const kept = this.#prepared[template.endpoint];
    if (kept !== undefined && kept.template === template) return kept;
    const prepared = this.#build(template);
    this.#prepared[template.endpoint] = prepared;
    return prepared;
  }

  #build(template: RequestTemplate): PreparedHeaders {
    const own = { ...this.#account?.headers };
    for (const name of Object.keys(own)) if (name.toLowerCase() === 'cookie') delete own[name];
    const cookies = this.#jar?.headerFor(template.path);
    const headers = mergeHeaders(template.headers, cookies === undefined ? own : { ...own, cookie: cookies });
    return { template, headers, bytes: template.baseBytes + bytesOfHeaders(headers) };
  }

  #cookies(): CookieJar {
    this.#jar ??= new CookieJar(this.#host);
    return this.#jar;
  }
}
