import "@cloudscape-design/global-styles/index.css";
import "./style.css";

import { createRoot } from "react-dom/client";
import { App } from "./App";
import type { Config } from "./config";
import type { Session } from "../../shared/session";
import { StartProblem } from "./StartProblem";
import { applyTheme } from "./theme";

applyTheme();
const root = createRoot(document.getElementById("root")!);

export function show(config: Config, session: Session): void {
  root.render(<App config={config} session={session} />);
}

export function showProblem(error: unknown): void {
  root.render(<StartProblem error={error} />);
}
