import { EmbeddingView } from "../features/embedding";
import { KbPage } from "./KbPage";

export default function WidgetPage() {
  return <KbPage>{(kb) => <EmbeddingView key={kb.name} kb={kb} />}</KbPage>;
}
