import { Component, lazy, type ReactNode, Suspense, useEffect } from "react";
import { KeyDialog, SessionProvider } from "../features/session";
import { Button, ErrorNote, Loading, Mark, matchPath, useLocation } from "../ui";
import { ChatPage } from "./ChatPage";
import { NotFoundPage } from "./NotFoundPage";
import "./pages.css";

// The owner's pages are chunks of their own: most who open the chat never see them.
const ownersPages = [
  () => import("./KnowledgePage"),
  () => import("./InboxPage"),
  () => import("./InsightsPage"),
  () => import("./WidgetPage"),
  () => import("./ModelsPage"),
] as const;
const [KnowledgePage, InboxPage, InsightsPage, WidgetPage, ModelsPage] = [
  lazy(ownersPages[0]),
  lazy(ownersPages[1]),
  lazy(ownersPages[2]),
  lazy(ownersPages[3]),
  lazy(ownersPages[4]),
];
const kPrefetchAfterMs = 2000;

function pageAt(path: string): ReactNode {
  const conversation = matchPath("/faq/c/:id", path);
  if (conversation) return <ChatPage conversationId={conversation["id"] ?? null} />;
  if (path === "/" || path === "/faq" || path === "/faq/") return <ChatPage conversationId={null} />;
  if (path === "/faq/knowledge" || path.startsWith("/faq/knowledge/")) return <KnowledgePage />;
  if (matchPath("/faq/inbox", path)) return <InboxPage />;
  if (matchPath("/faq/insights", path)) return <InsightsPage />;
  if (matchPath("/faq/widget", path)) return <WidgetPage />;
  if (matchPath("/models", path)) return <ModelsPage />;
  return <NotFoundPage />;
}

export function App() {
  const { path } = useLocation();

  // Synchronises with the network being idle again: the other pages then open without a pause.
  useEffect(() => {
    const timer = setTimeout(() => {
      // One that does not come is asked for again when its page is opened.
      for (const load of ownersPages) load().catch(() => undefined);
    }, kPrefetchAfterMs);
    return () => clearTimeout(timer);
  }, []);

  return (
    <CrashGuard>
      <SessionProvider
        whileLoading={
          <div className="center-page">
            <Mark size={40} />
            <span className="visually-hidden" role="status">
              Loading
            </span>
          </div>
        }
        onError={(error, retry) => (
          <main className="center-page">
            <Mark size={40} />
            <h1>Quintet</h1>
            <ErrorNote error={error} onRetry={retry} />
          </main>
        )}
      >
        <Suspense
          fallback={
            <div className="page">
              <Loading />
            </div>
          }
        >
          {pageAt(path)}
        </Suspense>
      </SessionProvider>
      <KeyDialog />
    </CrashGuard>
  );
}

/** A fault in the page shows a way on instead of a blank window. */
class CrashGuard extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <main className="center-page">
        <Mark size={40} />
        <h1>This page has a fault</h1>
        <ErrorNote error={this.state.error} />
        <Button look="primary" onClick={() => window.location.reload()}>
          Load it again
        </Button>
      </main>
    );
  }
}
