#include "raw_json.h"

#include <cmath>

#include "core/json.h"
#include "core/text.h"

namespace quintet::pdf {

namespace {

double rounded(float value) noexcept {
  return std::round(static_cast<double>(value) * 100) / 100;
}

std::string box_json(const Box& box) {
  return cat('[', rounded(box.x0), ',', rounded(box.y0), ',', rounded(box.x1), ',', rounded(box.y1), ']');
}

std::string boxes_json(const std::vector<Box>& boxes) {
  std::string out = "[";
  for (const Box& box : boxes) out += cat(out.size() > 1 ? "," : "", box_json(box));
  return out + "]";
}

std::string word_json(const RawWord& word) {
  const std::string style =
      cat(word.is_bold ? "b" : "", word.is_italic ? "i" : "", word.is_monospaced ? "m" : "");
  return cat("{\"text\":", json_quote(word.text), ",\"box\":", box_json(word.box),
             ",\"size\":", rounded(word.font_size), style.empty() ? "" : cat(",\"style\":\"", style, '"'),
             '}');
}

std::string line_json(const RawLine& line) {
  std::string out = cat("{\"block\":", line.block, ",\"box\":", box_json(line.box),
                        line.is_vertical ? ",\"vertical\":true" : "", ",\"words\":[");
  for (std::size_t i = 0; i < line.words.size(); ++i) out += cat(i == 0 ? "" : ",", word_json(line.words[i]));
  return out + "]}";
}

}  // namespace

std::string raw_page_line(const RawPage& page) {
  std::string out =
      cat("{\"number\":", page.number, ",\"label\":", json_quote(page.label),
          ",\"width\":", rounded(page.width), ",\"height\":", rounded(page.height), ",\"lines\":[");
  for (std::size_t i = 0; i < page.lines.size(); ++i) out += cat(i == 0 ? "" : ",", line_json(page.lines[i]));
  out += cat("],\"rules\":", boxes_json(page.rules), ",\"images\":", boxes_json(page.images));
  if (page.is_ocr) out += cat(",\"is_ocr\":true,\"ocr_confidence\":", rounded(page.ocr_confidence));
  if (!page.problem.empty()) out += cat(",\"problem\":", json_quote(page.problem));
  return out + "}";
}

}  // namespace quintet::pdf
