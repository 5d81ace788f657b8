import { ModelsView } from "../features/models";
import { Shell } from "../features/shell";

export default function ModelsPage() {
  return (
    <Shell isAsideOpen={false} onAside={() => undefined}>
      <ModelsView />
    </Shell>
  );
}
