export { EntryEditor } from "./EntryEditor";
export { HistoryView } from "./HistoryView";
export { KbList, kbPath } from "./KbList";
export { KbView } from "./KbView";
export { useFileDrop } from "./useFileDrop";
