export { ModelsView } from "./ModelsView";
