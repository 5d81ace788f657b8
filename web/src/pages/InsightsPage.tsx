import { InsightsView } from "../features/insights";
import { KbPage } from "./KbPage";

export default function InsightsPage() {
  return <KbPage>{(kb) => <InsightsView key={kb.name} kb={kb} />}</KbPage>;
}
