import type { ReactNode } from "react";
import type { Kb } from "../api";
import { useSession } from "../features/session";
import { Shell } from "../features/shell";
import { Empty, ErrorNote, Link, Loading } from "../ui";

/** A page about the chosen knowledge base. */
export function KbPage({ children }: { children: (kb: Kb) => ReactNode }) {
  const { kb, kbs, kbsError, reloadKbs } = useSession();
  return (
    <Shell isAsideOpen={false} onAside={() => undefined}>
      {kb ? (
        children(kb)
      ) : kbsError !== null ? (
        <div className="page">
          <ErrorNote error={kbsError} onRetry={reloadKbs} />
        </div>
      ) : kbs === null ? (
        <div className="page">
          <Loading />
        </div>
      ) : (
        <Empty icon="book" title="No knowledge base yet">
          <Link className="button button-primary" href="/faq/knowledge">
            Create a knowledge base
          </Link>
        </Empty>
      )}
    </Shell>
  );
}
