#include "page_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/text.h"

namespace quintet::pdf {

namespace {

struct FontStyle {
  bool is_bold = false;
  bool is_italic = false;
  bool is_monospaced = false;
};

bool contains_any(std::string_view text, std::initializer_list<std::string_view> needles) {
  return std::any_of(needles.begin(), needles.end(),
                     [&](std::string_view needle) { return text.find(needle) != std::string_view::npos; });
}

/// From the font's own flags and, because embedded subsets rarely set them, from its name.
FontStyle style_of(fz_context* context, fz_font* font) {
  std::string name = ascii_lower(fz_font_name(context, font));
  if (name.size() > 7 && name[6] == '+') name.erase(0, 7);
  FontStyle style;
  style.is_bold = fz_font_is_bold(context, font) != 0 ||
                  contains_any(name, {"bold", "black", "heavy", "cmbx", "cmssbx", "-bd", "demi"});
  style.is_italic = fz_font_is_italic(context, font) != 0 ||
                    contains_any(name, {"italic", "oblique", "cmti", "cmsl", "cmmi", "slanted", "-it"});
  style.is_monospaced = fz_font_is_monospaced(context, font) != 0 ||
                        contains_any(name, {"mono", "courier", "consol", "cmtt", "typewriter", "menlo"});
  return style;
}

bool is_space(int c) noexcept {
  return c <= 0x20 || c == 0x7F || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

/// Characters that place or mark and are no text.
bool is_nothing(int c) noexcept {
  return c == 0x200B || c == 0xFEFF || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
         (c >= 0x80 && c < 0xA0);
}

Box extended(const Box& a, const Box& b) noexcept {
  return {std::min(a.x0, b.x0), std::min(a.y0, b.y0), std::max(a.x1, b.x1), std::max(a.y1, b.y1)};
}

Box box_of(const fz_stext_char& glyph) noexcept {
  const fz_rect rect = fz_rect_from_quad(glyph.quad);
  return {std::min(rect.x0, rect.x1), std::min(rect.y0, rect.y1), std::max(rect.x0, rect.x1),
          std::max(rect.y0, rect.y1)};
}

bool is_outside(const Box& box, const Box& page) noexcept {
  const bool touches = box.x1 > page.x0 && box.x0 < page.x1 && box.y1 > page.y0 && box.y0 < page.y1;
  return !touches;  // also where a place is not a number
}

/// Puts the words of one line together.
class LineBuilder {
 public:
  LineBuilder(fz_context* context, const Box& page) : context_(context), page_(page) {}

  RawLine build(const fz_stext_line& line, int block) {
    line_ = RawLine{};
    line_.block = block;
    // Text that runs up or down the page stands like vertical writing does.
    line_.is_vertical = line.wmode != 0 || std::fabs(line.dir.y) > std::fabs(line.dir.x);
    for (const fz_stext_char* glyph = line.first_char; glyph != nullptr; glyph = glyph->next) {
      if (is_space(glyph->c)) {
        end_word();
      } else if (!is_nothing(glyph->c)) {
        add(*glyph);
      }
    }
    end_word();
    return std::move(line_);
  }

 private:
  void add(const fz_stext_char& glyph) {
    if (word_.text.empty()) {
      word_.box = box_of(glyph);
      word_.font_size = glyph.size;
      if (glyph.font != font_) {
        font_ = glyph.font;
        style_ = style_of(context_, font_);
      }
      word_.is_bold = style_.is_bold;
      word_.is_italic = style_.is_italic;
      word_.is_monospaced = style_.is_monospaced;
    } else {
      word_.box = extended(word_.box, box_of(glyph));
      word_.font_size = std::max(word_.font_size, glyph.size);
    }
    const bool is_scalar = glyph.c < 0x110000 && (glyph.c < 0xD800 || glyph.c > 0xDFFF);
    append_utf8(word_.text, is_scalar ? static_cast<char32_t>(glyph.c) : U'\uFFFD');
  }

  void end_word() {
    if (!word_.text.empty() && !is_outside(word_.box, page_)) {
      line_.box = line_.words.empty() ? word_.box : extended(line_.box, word_.box);
      line_.words.push_back(std::move(word_));
    }
    word_ = RawWord{};
  }

  fz_context* context_;
  const Box& page_;
  fz_font* font_ = nullptr;
  FontStyle style_;
  RawLine line_;
  RawWord word_;
};

}  // namespace

std::vector<RawLine> lines_of(fz_context* context, const fz_stext_page& text, const Box& page,
                              int first_block) {
  std::vector<RawLine> lines;
  LineBuilder builder(context, page);
  int number = first_block;
  for (const fz_stext_block* block = text.first_block; block != nullptr; block = block->next) {
    if (block->type != FZ_STEXT_BLOCK_TEXT) continue;
    for (const fz_stext_line* line = block->u.t.first_line; line != nullptr; line = line->next) {
      RawLine raw = builder.build(*line, number);
      if (!raw.words.empty()) lines.push_back(std::move(raw));
    }
    ++number;
  }
  return lines;
}

std::size_t n_unreadable_characters(const std::vector<RawLine>& lines) {
  std::size_t n = 0;
  for (const RawLine& line : lines)
    for (const RawWord& word : line.words)
      for (std::size_t at = 0; at < word.text.size();) {
        const char32_t c = next_code_point(word.text, at);
        const bool is_private = c >= 0xE000 && c <= 0xF8FF;
        if (c == U'\uFFFD' || is_private) ++n;
      }
  return n;
}

}  // namespace quintet::pdf
