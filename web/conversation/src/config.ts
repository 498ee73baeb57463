/** The deployment's settings, from `config.json` beside the page. */
export interface Config {
  /** The address of the gateway of the tools. It may be relative to the page, as the next one. */
  readonly tools: string;
  /** The address of the harness at its gateway. */
  readonly harness: string;
  /** The issuer at which people sign in. */
  readonly issuer: string;
  /** The page's client there. */
  readonly clientId: string;
}

const SECONDS = 30;

export async function readConfig(): Promise<Config> {
  const config = await json<Config>("config.json");
  const { tools, harness, issuer, clientId } = config;
  const missing = Object.entries({ tools, harness, issuer, clientId }).filter(([, value]) => typeof value !== "string" || value === "");
  if (missing.length > 0) throw new Error(`config.json lacks ${missing.map(([name]) => name).join(", ")}`);
  const at = (address: string) => new URL(address, document.baseURI).href;
  return { tools: at(tools), harness: at(harness), issuer, clientId };
}

/** Where the issuer signs people in, by OpenID Connect's discovery. */
export async function discover({ issuer, clientId }: Config) {
  const found = await json<{ authorization_endpoint: string; token_endpoint: string }>(`${issuer}/.well-known/openid-configuration`);
  return { authorize: found.authorization_endpoint, token: found.token_endpoint, clientId, scopes: "openid" };
}

async function json<Content>(address: string): Promise<Content> {
  const response = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(SECONDS * 1000) });
  if (!response.ok) throw new Error(`${address} was answered with ${response.status}`);
  return (await response.json()) as Content;
}
