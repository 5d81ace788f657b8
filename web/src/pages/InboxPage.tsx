import { InboxView } from "../features/inbox";
import { KbPage } from "./KbPage";

export default function InboxPage() {
  return <KbPage>{(kb) => <InboxView key={kb.name} kb={kb} />}</KbPage>;
}
