import type { SignIn } from "../../shared/session";

/** The deployment's settings, from `config.json` beside the page. */
export interface Config {
  /** The address of the review API, which may be relative to the page. */
  readonly api: string;
  /** The hosted sign-in of the reviewers' user pool. */
  readonly signIn: SignIn & { readonly logout: string };
  /** The beginning of the addresses of executions in the AWS console; missing where there is none. */
  readonly console?: string;
}

export async function readConfig(): Promise<Config> {
  const response = await fetch("config.json", { cache: "no-cache", signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`config.json was answered with ${response.status}`);
  const config = (await response.json()) as Config;
  const { api, signIn } = config;
  const missing = Object.entries({ api, ...pick(signIn) }).filter(([, value]) => typeof value !== "string" || value === "");
  if (missing.length > 0) throw new Error(`config.json lacks ${missing.map(([name]) => name).join(", ")}`);
  // The client adds paths that begin with a slash.
  return { ...config, api: new URL(api, document.baseURI).href.replace(/\/$/, "") };
}

function pick(signIn: Config["signIn"] | undefined): Record<string, unknown> {
  const { authorize, token, logout, clientId, scopes } = signIn ?? {};
  return {
    "signIn.authorize": authorize,
    "signIn.token": token,
    "signIn.logout": logout,
    "signIn.clientId": clientId,
    "signIn.scopes": scopes,
  };
}
