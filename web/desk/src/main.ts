/** Signs in before anything else is loaded: the page is left for the sign-in first, and comes back with a code. */

import { readConfig } from "./config";
import { startSession } from "../../shared/session";

const views = () => import("./show");

// The sign-in has sent the person back: the views are needed in any case.
if (location.search !== "") void views();
try {
  const config = await readConfig();
  const session = await startSession(config.signIn);
  if (session) (await views()).show(config, session);
} catch (error) {
  (await views()).showProblem(error);
}
