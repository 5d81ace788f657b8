#include "plain_layout.h"

#include <algorithm>

namespace quintet::pdf {

Page plain_page(const RawPage& raw) {
  Page page;
  page.number = raw.number;
  page.label = raw.label;
  page.width = raw.width;
  page.height = raw.height;
  page.problem = raw.problem;
  page.is_ocr = raw.is_ocr;
  page.ocr_confidence = raw.ocr_confidence;
  int block = -1;
  for (const RawLine& line : raw.lines)
    for (const RawWord& word : line.words) {
      const bool is_new = page.blocks.empty() || line.block != block;
      if (!page.text.empty()) page.text += is_new ? "\n\n" : " ";
      const auto begin = static_cast<std::uint32_t>(page.text.size());
      page.text += word.text;
      const auto end = static_cast<std::uint32_t>(page.text.size());
      page.words.push_back({{begin, end}, word.box});
      if (is_new) {
        Block started;
        started.range = {begin, end};
        started.box = word.box;
        page.blocks.push_back(started);
        block = line.block;
      } else {
        Block& last = page.blocks.back();
        last.range.end = end;
        last.box = {std::min(last.box.x0, word.box.x0), std::min(last.box.y0, word.box.y0),
                    std::max(last.box.x1, word.box.x1), std::max(last.box.y1, word.box.y1)};
      }
    }
  return page;
}

}  // namespace quintet::pdf
