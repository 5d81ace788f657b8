import { expect, test } from "vitest";
import type { LocalModel, ModelDownload } from "../../api";
import { describeDownload, describeModel, formatClock, formatParameters } from "./text";

test("counts of parameters are said as people say them", () => {
  expect([0, 260_032, 134_515_008, 1_235_814_400, 70_553_706_496].map(formatParameters)).toEqual([
    "",
    "260K",
    "135M",
    "1.2B",
    "71B",
  ]);
});

test("what is not known of a model is left out", () => {
  const model = {
    n_parameters: 0,
    quantization: "",
    architecture: "llama",
    size_bytes: 2048,
    format: "gguf",
  };
  expect(describeModel(model as LocalModel)).toBe("llama · 2.0 KB · GGUF");
});

test("a download says how far it is and how long it will take", () => {
  const running: ModelDownload = {
    id: "d",
    source: "hf:a/b",
    state: "running",
    error: null,
    file: "a.gguf",
    i_file: 1,
    n_files: 3,
    is_checking: false,
    note: null,
    bytes: 1 << 20,
    total_bytes: 3 << 20,
    bytes_per_s: 1 << 19,
    seconds_left: 64,
  };
  expect(describeDownload(running)).toBe("file 2 of 3 · 1.0 MB of 3.0 MB · 512 KB/s · 1:04 left");
  expect(
    describeDownload({
      ...running,
      n_files: 1,
      bytes: 0,
      total_bytes: null,
      bytes_per_s: 0,
      seconds_left: null,
    }),
  ).toBe("Connecting");
  expect(describeDownload({ ...running, state: "cancelled" })).toContain("kept");
  expect(formatClock(3723)).toBe("1:02:03");
});
