export { InboxView } from "./InboxView";
