#include "pdf_catalog.h"

#include <algorithm>
#include <set>

#include "core/text.h"

namespace quintet::pdf {

namespace {

constexpr std::size_t kMaxTextBytes = 10'000;  // of a title or a label
constexpr std::size_t kMaxOutlineEntries = 50'000;
constexpr std::size_t kMaxLabelRanges = 50'000;
constexpr int kMaxDepth = 64;

/// Runs `body` and lets damage pass: only a lack of memory goes on.
template <typename Body>
void lenient(fz_context* context, Body&& body) {
  try {
    guard(context, body);
  } catch (const FitzError& error) {
    if (error.is_out_of_memory()) throw;
  }
}

/// A text string as clean UTF-8 on one line.
std::string clean_text(const char* text) {
  std::string clean = sanitize_utf8(text == nullptr ? "" : text);
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return std::string(trim(truncate_utf8(clean, kMaxTextBytes)));
}

std::string text_of(fz_context* context, pdf_obj* object) {
  std::string text;
  lenient(context, [&] {
    const char* raw = pdf_to_text_string(context, object);
    text = clean_text(raw);
  });
  return text;
}

// ---- labels

struct LabelRange {
  int first_page = 0;  // from 0
  char style = 0;
  int start = 1;
  std::string prefix;
};

std::string roman(int number) {
  static constexpr std::pair<int, const char*> kParts[] = {
      {1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"},
      {40, "xl"},  {10, "x"},   {9, "ix"},  {5, "v"},    {4, "iv"},  {1, "i"}};
  if (number < 1 || number > 50'000) return std::to_string(number);
  std::string text;
  for (const auto& [value, part] : kParts)
    for (; number >= value; number -= value) text += part;
  return text;
}

/// a … z, aa, bb … zz, aaa …
std::string letters(int number) {
  if (number < 1 || number > 26 * 100) return std::to_string(number);
  return std::string(static_cast<std::size_t>((number - 1) / 26 + 1),
                     static_cast<char>('a' + (number - 1) % 26));
}

std::string ascii_upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string label_of(const LabelRange& range, int page) {
  const int number = range.start + (page - range.first_page);
  switch (range.style) {
    case 'D': return range.prefix + std::to_string(number);
    case 'r': return range.prefix + roman(number);
    case 'R': return range.prefix + ascii_upper(roman(number));
    case 'a': return range.prefix + letters(number);
    case 'A': return range.prefix + ascii_upper(letters(number));
    default: return range.prefix;
  }
}

LabelRange read_label_range(fz_context* context, pdf_obj* dict, int first_page) {
  LabelRange range;
  range.first_page = first_page;
  pdf_obj* prefix = nullptr;
  lenient(context, [&] {
    const char* style = pdf_to_name(context, pdf_dict_gets(context, dict, "S"));
    range.style = style[0] != 0 && style[1] == 0 ? style[0] : '\0';
    range.start = std::clamp(pdf_to_int(context, pdf_dict_gets(context, dict, "St")), 1, 10'000'000);
    prefix = pdf_dict_gets(context, dict, "P");
  });
  if (prefix != nullptr) range.prefix = text_of(context, prefix);
  return range;
}

/// The entries of a number tree's leaves.
void collect_label_ranges(fz_context* context, pdf_obj* node, int depth, std::set<int>& seen,
                          std::vector<LabelRange>& ranges) {
  if (depth > kMaxDepth || ranges.size() >= kMaxLabelRanges) return;
  std::vector<pdf_obj*> kids;
  std::vector<std::pair<int, pdf_obj*>> entries;
  lenient(context, [&] {
    const int number = pdf_to_num(context, node);
    if (number != 0 && !seen.insert(number).second) return;
    pdf_obj* nums = pdf_dict_gets(context, node, "Nums");
    const int n = pdf_array_len(context, nums);
    for (int i = 0; i + 1 < n && entries.size() < kMaxLabelRanges; i += 2) {
      const int page = pdf_array_get_int(context, nums, i);
      pdf_obj* dict = pdf_array_get(context, nums, i + 1);
      entries.emplace_back(page, dict);
    }
    pdf_obj* array = pdf_dict_get(context, node, PDF_NAME(Kids));
    const int n_kids = pdf_array_len(context, array);
    for (int i = 0; i < n_kids && kids.size() < kMaxLabelRanges; ++i) {
      pdf_obj* kid = pdf_array_get(context, array, i);
      kids.push_back(kid);
    }
  });
  for (const auto& [page, dict] : entries) ranges.push_back(read_label_range(context, dict, page));
  for (pdf_obj* kid : kids) collect_label_ranges(context, kid, depth + 1, seen, ranges);
}

// ---- outline

class OutlineReader {
 public:
  OutlineReader(fz_context* context, pdf_document* document, int n_pages,
                const std::function<int(int)>& page_of)
      : context_(context), document_(document), n_pages_(n_pages), page_of_(page_of) {}

  std::vector<OutlineEntry> read() {
    pdf_obj* first = nullptr;
    lenient(context_, [&] {
      first = pdf_dict_getp(context_, pdf_trailer(context_, document_), "Root/Outlines/First");
    });
    read_level(first, 1);
    return std::move(entries_);
  }

 private:
  void read_level(pdf_obj* item, int level) {
    while (item != nullptr && entries_.size() < kMaxOutlineEntries) {
      const int number = pdf_to_num(context_, item);
      if (number == 0 || !seen_.insert(number).second)
        return;  // items are objects; a second visit is a cycle
      pdf_obj* title = nullptr;
      pdf_obj* destination = nullptr;
      pdf_obj* first = nullptr;
      pdf_obj* next = nullptr;
      lenient(context_, [&] {
        title = pdf_dict_get(context_, item, PDF_NAME(Title));
        destination = pdf_dict_get(context_, item, PDF_NAME(Dest));
        if (destination == nullptr) destination = pdf_dict_getp(context_, item, "A/D");
        next = pdf_dict_get(context_, item, PDF_NAME(Next));
        first = pdf_dict_get(context_, item, PDF_NAME(First));
      });
      OutlineEntry entry{
          .title = text_of(context_, title), .page = page_of_destination(destination), .level = level};
      if (!entry.title.empty()) entries_.push_back(std::move(entry));
      if (first != nullptr && level < kMaxDepth) read_level(first, level + 1);
      item = next;
    }
  }

  int page_of_destination(pdf_obj* destination) {
    int page_object = 0;
    int page_index = -1;
    lenient(context_, [&] {
      pdf_obj* target = destination;
      if (pdf_is_name(context_, target) != 0 || pdf_is_string(context_, target) != 0)
        target = pdf_lookup_dest(context_, document_, target);
      if (pdf_is_dict(context_, target) != 0) target = pdf_dict_get(context_, target, PDF_NAME(D));
      pdf_obj* page = pdf_array_get(context_, target, 0);
      if (pdf_is_int(context_, page) != 0)
        page_index = pdf_to_int(context_, page);
      else
        page_object = pdf_to_num(context_, page);
    });
    if (page_object != 0) return page_of_(page_object);
    return page_index >= 0 && page_index < n_pages_ ? page_index + 1 : 0;
  }

  fz_context* context_;
  pdf_document* document_;
  int n_pages_;
  const std::function<int(int)>& page_of_;
  std::set<int> seen_;
  std::vector<OutlineEntry> entries_;
};

}  // namespace

std::vector<std::string> page_labels(fz_context* context, pdf_document* document, int n_pages) {
  pdf_obj* root = nullptr;
  lenient(context, [&] { root = pdf_dict_getp(context, pdf_trailer(context, document), "Root/PageLabels"); });
  if (root == nullptr) return {};
  std::vector<LabelRange> ranges;
  std::set<int> seen;
  collect_label_ranges(context, root, 0, seen, ranges);
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const LabelRange& a, const LabelRange& b) { return a.first_page < b.first_page; });
  std::vector<std::string> labels(static_cast<std::size_t>(n_pages));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const int end = i + 1 < ranges.size() ? ranges[i + 1].first_page : n_pages;
    for (int page = std::max(0, ranges[i].first_page); page < std::min(end, n_pages); ++page)
      labels[static_cast<std::size_t>(page)] = label_of(ranges[i], page);
  }
  return labels;
}

std::vector<OutlineEntry> outline_of(fz_context* context, pdf_document* document, int n_pages,
                                     const std::function<int(int object_number)>& page_of) {
  return OutlineReader(context, document, n_pages, page_of).read();
}

void read_metadata(fz_context* context, pdf_document* document, DocumentInfo& info) {
  const auto entry = [&](const char* path) {
    pdf_obj* object = nullptr;
    lenient(context, [&] { object = pdf_dict_getp(context, pdf_trailer(context, document), path); });
    return object == nullptr ? std::string() : text_of(context, object);
  };
  info.title = entry("Info/Title");
  info.author = entry("Info/Author");
  info.subject = entry("Info/Subject");
  info.keywords = entry("Info/Keywords");
  info.created = iso_date(entry("Info/CreationDate"));
  info.language = entry("Root/Lang");
}

std::string iso_date(std::string_view pdf_date) {
  if (pdf_date.starts_with("D:")) pdf_date.remove_prefix(2);
  std::size_t at = 0;
  // The next `n` digits as a number in [low, high], or -1.
  const auto number = [&](std::size_t n, int low, int high) {
    if (pdf_date.size() < at + n) return -1;
    const auto value = parse_int(pdf_date.substr(at, n));
    if (!value.has_value() || *value < low || *value > high) return -1;
    at += n;
    return static_cast<int>(*value);
  };
  const auto two = [](int value) { return cat(value < 10 ? "0" : "", value); };
  const int year = number(4, 1000, 9999);
  if (year < 0) return "";
  std::string iso = std::to_string(year);
  const int month = number(2, 1, 12);
  if (month < 0) return iso;
  iso += cat("-", two(month));
  const int day = number(2, 1, 31);
  if (day < 0) return iso;
  iso += cat("-", two(day));
  const int hour = number(2, 0, 23);
  const int minute = hour < 0 ? -1 : number(2, 0, 59);
  if (minute < 0) return iso;
  const int second = number(2, 0, 59);
  iso += cat("T", two(hour), ":", two(minute), ":", two(std::max(second, 0)));
  if (at < pdf_date.size() && pdf_date[at] == 'Z') return iso + "Z";
  if (at < pdf_date.size() && (pdf_date[at] == '+' || pdf_date[at] == '-')) {
    const char sign = pdf_date[at++];
    const int zone_hour = number(2, 0, 23);
    if (zone_hour < 0) return iso;
    if (at < pdf_date.size() && pdf_date[at] == '\'') ++at;
    const int zone_minute = number(2, 0, 59);
    iso += cat(sign, two(zone_hour), ":", two(std::max(zone_minute, 0)));
  }
  return iso;
}

}  // namespace quintet::pdf
