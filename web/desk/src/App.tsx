import AppLayoutToolbar from "@cloudscape-design/components/app-layout-toolbar";
import Badge from "@cloudscape-design/components/badge";
import Box from "@cloudscape-design/components/box";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import Button from "@cloudscape-design/components/button";
import ErrorBoundary from "@cloudscape-design/components/error-boundary";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import LiveRegion from "@cloudscape-design/components/live-region";
import Modal from "@cloudscape-design/components/modal";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import TopNavigation from "@cloudscape-design/components/top-navigation";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type MouseEvent, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { createHashRouter, Navigate, Route, Routes, useBlocker, useLocation, useNavigate } from "react-router";
import { RouterProvider } from "react-router/dom";
import { createApi, type Desk, DeskContext, useDesk } from "./api";
import type { Config } from "./config";
import { useOpenCount } from "./openCount";
import { mayRetry } from "./parts/Problem";
import { useIsNarrow } from "./parts/narrow";
import type { Session } from "../../shared/session";
import { chooseTheme, useIsDark } from "./theme";
import { forgetUnsaved, hasUnsaved } from "./unsaved";
import { Queue } from "./views/Queue";

const Case = lazy(() => import("./views/Case"));
const Applications = lazy(() => import("./views/Applications"));
const Application = lazy(() => import("./views/Application"));
const Execution = lazy(() => import("./views/Execution"));
const Overview = lazy(() => import("./views/Overview"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // Nothing of an applicant stays after its view is left, and no look happens that the reviewer did not ask for.
      gcTime: 0,
      staleTime: Infinity,
      refetchOnWindowFocus: false,
      refetchOnReconnect: false,
      networkMode: "always",
      retry: (count, error) => count < 2 && mayRetry(error),
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

export function App({ config, session }: { readonly config: Config; readonly session: Session }) {
  // Only now does the address have the route to which the sign-in returns.
  const [router] = useState(() => createHashRouter([{ path: "*", Component: Frame }]));
  const [ended, setEnded] = useState<"expired" | "refused">();
  const desk = useMemo<Desk>(() => {
    const api = createApi(config, session, (wasAccepted) => {
      if (!wasAccepted) setEnded("refused");
      else if (hasUnsaved()) setEnded("expired");
      else void session.signIn();
    });
    return { api, config, session };
  }, [config, session]);
  return (
    <I18nProvider locale="en" messages={[messages]}>
      <DeskContext value={desk}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
          <Modal
            visible={ended !== undefined}
            header={ended === "refused" ? "The API does not accept the sign-in" : "Your sign-in has ended"}
            onDismiss={() => setEnded(undefined)}
            footer={
              <Box float="right">
                <Button
                  variant="primary"
                  onClick={() => {
                    forgetUnsaved();
                    void session.signIn();
                  }}
                >
                  Sign in again
                </Button>
              </Box>
            }
          >
            {ended === "refused"
              ? "You have just signed in, and the API refuses it. Sign in again; if this repeats, tell the operators that the API answers NOT_AUTHENTICATED to a fresh token."
              : "The note that you have written is not sent. Copy it if you want to keep it: signing in leaves this page, and nothing of a case is stored in the browser. Afterwards you are at this case again."}
          </Modal>
        </QueryClientProvider>
      </DeskContext>
    </I18nProvider>
  );
}

const SECTIONS: Readonly<Record<string, string>> = {
  cases: "Queue",
  applications: "Applications",
  overview: "Overview",
};

/** The way from the view of the navigation to the present one. */
function trail(path: string): { text: string; href: string }[] {
  const [, section = "", ...ids] = path.split("/");
  // An execution is found through its application.
  const first = section === "executions" ? "applications" : section;
  const items = [{ text: SECTIONS[first] ?? "", href: `#/${first}` }];
  if (ids.length > 0) items.push({ text: decodeURIComponent(ids.at(-1) ?? ""), href: `#${path}` });
  return items;
}

function Frame() {
  const { session } = useDesk();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const isDark = useIsDark();
  const isNarrow = useIsNarrow();
  const [isNavigationOpen, setNavigationOpen] = useState(!isNarrow);
  const count = useOpenCount();
  const place = trail(pathname);
  const title = `(${count.text}) ${place.map(({ text }) => text).join(" – ")} – Review desk`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  const content = useRef<HTMLDivElement>(null);
  const isFirst = useRef(true);

  useEffect(() => {
    if (isNarrow) setNavigationOpen(false);
    // After a change of view, the next key press begins in the new view, and a screen reader reads its heading.
    if (!isFirst.current) content.current?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [pathname, isNarrow]);

  /** Links within the desk are followed by the router, which can stop where something is not sent. */
  const follow = (event: MouseEvent) => {
    const href = (event.target as Element).closest("a")?.getAttribute("href");
    if (!href?.startsWith("#/") || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void navigate(href.slice(1));
  };
  const blocker = useBlocker(({ currentLocation, nextLocation }) => hasUnsaved() && currentLocation.pathname !== nextLocation.pathname);

  return (
    <div onClick={follow}>
      <div id="header">
        <TopNavigation
          identity={{ href: "#/cases", title: "Bonafide review desk" }}
          utilities={[
            {
              type: "button",
              text: isDark ? "Light" : "Dark",
              ariaLabel: isDark ? "Change to light colours" : "Change to dark colours",
              onClick: () => chooseTheme(!isDark),
            },
            { type: "button", text: "Sign out", onClick: session.signOut },
          ]}
        />
      </div>
      <AppLayoutToolbar
        headerSelector="#header"
        toolsHide
        navigationOpen={isNavigationOpen}
        onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
        ariaLabels={{
          navigation: "Views",
          navigationToggle: "Open the list of views",
          navigationClose: "Close the list of views",
        }}
        navigationWidth={220}
        breadcrumbs={<BreadcrumbGroup items={place} ariaLabel="Where you are" />}
        navigation={
          <SideNavigation
            activeHref={place[0]?.href ?? ""}
            items={[
              {
                type: "link",
                text: "Queue",
                href: "#/cases",
                info: (
                  <LiveRegion tagName="span">
                    <Badge color={count.isSome ? "blue" : "grey"}>
                      <span aria-hidden="true">{count.text}</span>
                      <span className="visually-hidden">{count.sentence}</span>
                    </Badge>
                  </LiveRegion>
                ),
              },
              { type: "link", text: "Applications", href: "#/applications" },
              { type: "link", text: "Overview", href: "#/overview" },
            ]}
          />
        }
        content={
          <div ref={content} tabIndex={-1} className="content">
            {/* A view whose file a publication has replaced cannot be loaded any more. */}
            <ErrorBoundary
              key={pathname}
              onError={() => undefined}
              i18nStrings={{
                headerText: "This view could not be shown",
                descriptionText: "A new version of the page may have been published. Reload the page. If this repeats, tell the operators.",
                refreshActionText: "Reload the page",
              }}
            >
              <Suspense fallback={<Spinner size="large" />}>
                <Routes>
                  <Route path="/cases" element={<Queue />} />
                  <Route path="/cases/:applicationId/:caseId" element={<Case />} />
                  <Route path="/applications" element={<Applications />} />
                  <Route path="/applications/:applicationId" element={<Application />} />
                  <Route path="/executions/:execution" element={<Execution />} />
                  <Route path="/overview" element={<Overview />} />
                  <Route path="*" element={<Navigate to="/cases" replace />} />
                </Routes>
              </Suspense>
            </ErrorBoundary>
          </div>
        }
      />
      <Modal
        visible={blocker.state === "blocked"}
        header="You have not sent what you have written"
        onDismiss={() => blocker.reset?.()}
        footer={
          <Box float="right">
            <SpaceBetween direction="horizontal" size="xs">
              <Button variant="link" onClick={() => blocker.proceed?.()}>
                Leave without it
              </Button>
              <Button variant="primary" onClick={() => blocker.reset?.()}>
                Stay here
              </Button>
            </SpaceBetween>
          </Box>
        }
      >
        It is kept nowhere else. If you leave this view, it is gone.
      </Modal>
    </div>
  );
}
