// Words for what a model is and does.
import type { LocalModel, ModelDownload } from "../../api";
import { formatBytes } from "../../ui/format";

/** "135M", "1.2B"; "" when it is not known. */
export function formatParameters(n: number): string {
  if (n <= 0) return "";
  if (n >= 1e10) return `${Math.round(n / 1e9)}B`;
  if (n >= 1e9) return `${(n / 1e9).toFixed(1)}B`;
  return n >= 1e6 ? `${Math.round(n / 1e6)}M` : `${Math.max(1, Math.round(n / 1e3))}K`;
}

export function describeModel(model: LocalModel): string {
  const parameters = formatParameters(model.n_parameters);
  return [
    parameters && `${parameters} parameters`,
    model.quantization,
    model.architecture,
    formatBytes(model.size_bytes),
    model.format === "gguf" ? "GGUF" : model.format,
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

export const stateNames: Record<LocalModel["state"], string> = {
  not_loaded: "Not loaded",
  loading: "Loading",
  loaded: "Loaded",
  unloading: "Unloading",
  failed: "Failed",
};

/** "0:07", "1:02:03" */
export function formatClock(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  return seconds >= 3600
    ? `${Math.floor(seconds / 3600)}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

export function describeDownload(download: ModelDownload): string {
  switch (download.state) {
    case "done":
      return "Downloaded";
    case "cancelled":
      return "Cancelled. What has arrived is kept.";
    case "failed":
      return "Failed. What has arrived is kept.";
    case "running":
      break;
    default:
      return download.state satisfies never;
  }
  const parts = [];
  if (download.n_files > 1) parts.push(`file ${download.i_file + 1} of ${download.n_files}`);
  if (download.note !== null) parts.push(download.note);
  if (download.is_checking) parts.push("checking what is there");
  if (download.total_bytes !== null) {
    parts.push(`${formatBytes(download.bytes)} of ${formatBytes(download.total_bytes)}`);
  } else if (download.bytes > 0) {
    parts.push(formatBytes(download.bytes));
  }
  if (download.bytes_per_s > 0) parts.push(`${formatBytes(download.bytes_per_s)}/s`);
  if (download.seconds_left !== null) parts.push(`${formatClock(download.seconds_left)} left`);
  return parts.length > 0 ? parts.join(" · ") : "Connecting";
}
