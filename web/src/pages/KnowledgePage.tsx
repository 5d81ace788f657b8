import { Shell } from "../features/shell";
import { Empty } from "../ui";

export default function KnowledgePage() {
  return (
    <Shell isAsideOpen={false} onAside={() => undefined}>
      <Empty icon="info" title="This page is not built yet" />
    </Shell>
  );
}
