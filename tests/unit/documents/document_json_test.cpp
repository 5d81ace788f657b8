#include "documents/document_json.h"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace quintet {
namespace {

class Collected final : public DocumentSink {
 public:
  void begin(const DocumentInfo& given) override { info = given; }
  void page(Page given) override { pages.push_back(std::move(given)); }
  void end(const std::vector<std::string>& given) override { warnings = given; }
  DocumentInfo info;
  std::vector<Page> pages;
  std::vector<std::string> warnings;
};

DocumentInfo sample_info() {
  DocumentInfo info;
  info.format = "pdf";
  info.unit = PageUnit::slide;
  info.n_pages = 2;
  info.title = "A \"title\"\nof two lines";
  info.author = "Ⅰ";
  info.outline = {{"One", 1, 1}, {"nowhere", 0, 2}};
  return info;
}

Page sample_page() {
  Page page;
  page.number = 1;
  page.label = "iv";
  page.width = 612;
  page.height = 792.25F;
  page.text = "Größe\n\na\tb";
  page.words = {
      {{0, 7}, {72, 72.5F, 100.25F, 84}}, {{9, 10}, {72, 90, 80, 100}}, {{11, 12}, {90, 90, 98, 100}}};
  Block heading;
  heading.kind = BlockKind::heading;
  heading.level = 2;
  heading.range = {0, 7};
  heading.box = {72, 72.5F, 100.25F, 84};
  Block table;
  table.kind = BlockKind::table;
  table.range = {9, 12};
  table.continues = true;
  table.cells = {{{9, 10}, 0, 0, 1, 1, true}, {{11, 12}, 0, 1, 1, 2, false}};
  page.blocks = {heading, table};
  page.is_ocr = true;
  page.ocr_confidence = 0.75F;
  page.problem = "part of it was cut";
  return page;
}

TEST(DocumentJson, GivesBackWhatWasWritten) {
  Collected collected;
  DocumentLineReader reader(collected);
  const DocumentLineWriter writer_to_reader([&](std::string_view line) { reader.line(line); });
  DocumentLineWriter writer = writer_to_reader;
  writer.begin(sample_info());
  writer.page(sample_page());
  writer.end({"macros were ignored"});
  EXPECT_EQ(collected.info, sample_info());
  ASSERT_EQ(collected.pages.size(), 1U);
  EXPECT_EQ(collected.pages[0], sample_page());
  EXPECT_THAT(collected.warnings, testing::ElementsAre("macros were ignored"));
  EXPECT_TRUE(reader.has_ended());
}

TEST(DocumentJson, CarriesAnErrorWithItsFault) {
  Collected collected;
  DocumentLineReader reader(collected);
  try {
    reader.line(error_line(DocumentError(DocumentFault::password_required, "a.pdf: needs a password")));
    FAIL() << "no error";
  } catch (const DocumentError& error) {
    EXPECT_EQ(error.fault(), DocumentFault::password_required);
    EXPECT_STREQ(error.what(), "a.pdf: needs a password");
  }
}

TEST(DocumentJson, WritesNothingThatIsNotANumber) {
  Page page = sample_page();
  page.words[0].box = {std::numeric_limits<float>::quiet_NaN(), 0, std::numeric_limits<float>::infinity(), 1};
  Collected collected;
  DocumentLineReader reader(collected);
  reader.line(document_line(sample_info()));
  reader.line(page_line(page));
  EXPECT_EQ(collected.pages.at(0).words[0].box, (Box{0, 0, 0, 1}));
}

TEST(DocumentJson, RefusesWhatAPageMustNotBe) {
  for (
      const char* line : {
          R"({"type":"page","number":2,"text":"x"})",                               // pages without a gap
          R"({"type":"page","number":1,"text":"x","words":[[0,2,0,0,1,1]]})",       // beyond the text
          R"({"type":"page","number":1,"text":"\u00e9","words":[[0,1,0,0,1,1]]})",  // cuts a character
          R"({"type":"page","number":1,"text":"ab","words":[[1,2,0,0,1,1],[0,1,0,0,1,1]]})",  // out of order
          R"({"type":"page","number":1,"text":"ab","words":[[0,1,5,0,1,1]]})",                // inside out
          R"({"type":"page","number":1,"text":"ab","words":[[0,1,0,0,1e30,1]]})",             // off the page
          R"({"type":"page","number":1,"text":"ab","words":[[0,-1,0,0,1,1]]})",
          R"({"type":"page","number":1,"text":"ab","words":[[0,1.5,0,0,1,1]]})",
          R"({"type":"page","number":1,"text":"ab","words":[["0",1,0,0,1,1]]})",
          R"({"type":"page","number":1,"text":7})",
          R"({"type":"page","number":1,"text":"ab","blocks":[{"kind":"poem","range":[0,1]}]})",
          R"({"type":"page","number":1,"text":"ab","blocks":[{"kind":"code"}]})",
          R"({"type":"page","number":1,"text":"ab","blocks":[{"kind":"table","range":[0,1],"cells":[[0,2,0,0,1,1,0]]}]})",
          R"({"type":"document","format":"pdf"})",
          R"({"type":"song"})",
          R"([1])",
          R"({"type":)",
          "",
      }) {
    Collected collected;
    DocumentLineReader reader(collected);
    reader.line(document_line(sample_info()));
    EXPECT_THROW(reader.line(line), CorruptData) << line;
    EXPECT_TRUE(collected.pages.empty()) << line;
  }
  Collected collected;
  DocumentLineReader reader(collected);
  EXPECT_THROW(reader.line(page_line(sample_page())), CorruptData) << "a page before its document";
}

}  // namespace
}  // namespace quintet
