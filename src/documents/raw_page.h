#pragma once

#include <string>
#include <vector>

#include "documents/document.h"

namespace quintet {

/// A word as it stands on a page, before anybody knows what it belongs to.
struct RawWord {
  std::string text;  // UTF-8 as the file has it: ligatures, soft hyphens and all
  Box box;
  float font_size = 0;  // points
  bool is_bold = false;
  bool is_italic = false;
  bool is_monospaced = false;
};

/// Words that share a baseline, left to right as written (right to left in Arabic and Hebrew: logical order).
struct RawLine {
  std::vector<RawWord> words;
  Box box;
  int block = 0;  // lines that the file's own drawing order and spacing put together share a number
  bool is_vertical = false;
};

/// What a page-description format (PDF, a scanned image) gives: words with places, rules and pictures.
/// `layout.h` makes a Page of it.
struct RawPage {
  int number = 0;
  std::string label;
  float width = 0;
  float height = 0;
  std::vector<RawLine> lines;  // in the order the file draws them, or reading order where the reader knows it
  std::vector<Box>
      rules;  // straight horizontal and vertical strokes and thin filled boxes: table borders, underlines
  std::vector<Box> images;
  bool is_ocr = false;
  float ocr_confidence = 0;
  std::string problem;
};

}  // namespace quintet
