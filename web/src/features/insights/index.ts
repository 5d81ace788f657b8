export { InsightsView } from "./InsightsView";
