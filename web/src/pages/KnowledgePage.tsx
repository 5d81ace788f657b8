import { useState } from "react";
import { HistoryView, KbList, KbView, useFileDrop } from "../features/knowledge";
import { useSession } from "../features/session";
import { Shell } from "../features/shell";
import { Empty, ErrorNote, Link, Loading, matchPath, useLocation } from "../ui";

export default function KnowledgePage() {
  const { path } = useLocation();
  const { kbs, kbsError, reloadKbs } = useSession();
  const [file, setFile] = useState<File | null>(null);
  const isOver = useFileDrop(setFile);

  const base = "/faq/knowledge/:kb";
  const entry = matchPath(`${base}/entries/:id`, path);
  const params =
    entry ?? matchPath(`${base}/new`, path) ?? matchPath(`${base}/history`, path) ?? matchPath(base, path);
  const kb = kbs?.find((item) => item.name === params?.["kb"]);

  const view = () => {
    if (!params) return <KbList file={file} onFile={setFile} onCreated={(_, chosen) => setFile(chosen)} />;
    if (kb) {
      if (path.endsWith("/history") && !entry) return <HistoryView key={kb.name} kb={kb} />;
      const entryId = entry?.["id"] ?? (path.endsWith("/new") ? "" : null);
      return <KbView key={kb.name} kb={kb} entryId={entryId} file={file} onFile={setFile} />;
    }
    if (kbsError !== null) return <ErrorNote error={kbsError} onRetry={reloadKbs} />;
    if (kbs === null) return <Loading />;
    return (
      <Empty icon="book" title={`There is no knowledge base “${params["kb"] ?? ""}”`}>
        <Link href="/faq/knowledge">All knowledge bases</Link>
      </Empty>
    );
  };

  return (
    <Shell isAsideOpen={false} onAside={() => undefined}>
      {view()}
      {isOver && <div className="drop-veil">Drop the file to read it</div>}
    </Shell>
  );
}
