/** The sign-in of the desk and of the page of conversations: OAuth code with PKCE. The token is in memory only, so a reload signs in again through the redirect. */

import { jwtDecode } from "jwt-decode";
import { InMemoryWebStorage, UserManager, WebStorageStateStore } from "oidc-client-ts";

/** The sign-in pages. */
export interface SignIn {
  readonly authorize: string;
  readonly token: string;
  /** Missing where there is none. */
  readonly logout?: string;
  readonly clientId: string;
  readonly scopes: string;
}

export interface Session {
  readonly token: string;
  /** The `sub` of the person. */
  readonly me: string;
  /** Signs in again and returns to the same place. The page is left. */
  readonly signIn: () => Promise<void>;
  readonly signOut: () => void;
}

/**
 * Completes a sign-in, or begins one.
 *
 * @returns Nothing when the page is left for the sign-in.
 */
export async function startSession(signIn: SignIn): Promise<Session | undefined> {
  const here = location.origin + location.pathname;
  const manager = new UserManager({
    // All addresses are given, so nothing is asked of an authority.
    authority: signIn.authorize,
    metadata: { issuer: signIn.authorize, authorization_endpoint: signIn.authorize, token_endpoint: signIn.token },
    client_id: signIn.clientId,
    redirect_uri: here,
    scope: signIn.scopes,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false,
    monitorSession: false,
    loadUserInfo: false,
  });
  let leaving: Promise<void> | undefined;
  // Several requests may find that the token has expired.
  const leave = () => (leaving ??= manager.signinRedirect({ state: location.hash }));

  const answer = new URLSearchParams(location.search);
  if (!answer.has("code") && !answer.has("error")) {
    await leave();
    return undefined;
  }
  try {
    const user = await manager.signinCallback(location.href);
    if (!user) throw new Error("the sign-in gave no token");
    history.replaceState(null, "", here + (typeof user.state === "string" ? user.state : ""));
    return {
      token: user.access_token,
      me: jwtDecode(user.access_token).sub ?? "",
      signIn: leave,
      signOut: () => location.assign(`${signIn.logout}?${new URLSearchParams({ client_id: signIn.clientId, logout_uri: here })}`),
    };
  } finally {
    // A code is used once: a reload begins a new sign-in.
    if (location.search !== "") history.replaceState(null, "", here);
  }
}
