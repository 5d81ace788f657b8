#include "documents/reader.h"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/text.h"
#include "testing/scratch_folder.h"

namespace quintet {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

class Collected final : public DocumentSink {
 public:
  void begin(const DocumentInfo& given) override { info = given; }
  void page(Page given) override { pages.push_back(std::move(given)); }
  void end(const std::vector<std::string>&) override { has_ended = true; }
  DocumentInfo info;
  std::vector<Page> pages;
  bool has_ended = false;
};

// ---- processes that only look like readers: shell scripts

constexpr std::string_view kBegin = R"(echo '{"type":"document","format":"pdf"}')";
constexpr std::string_view kPage = R"(echo '{"type":"page","number":1,"text":"one"}')";
constexpr std::string_view kEnd = R"(echo '{"type":"end","warnings":[]}')";

class ReaderProcessTest : public testing::Test {
 protected:
  DocumentFault fault_of(std::string_view script, ReaderLimits limits = {}) {
    try {
      run(script, limits);
    } catch (const DocumentError& error) {
      message_ = error.what();
      return error.fault();
    }
    ADD_FAILURE() << "no error: " << script;
    return DocumentFault::unsupported;
  }
  void run(std::string_view script, const ReaderLimits& limits = {}, std::stop_token stop = {}) {
    sink_ = {};
    const FileDescriptor input(::open(folder_.write("input", "the document").c_str(), O_RDONLY | O_CLOEXEC));
    ReaderCommand command;
    command.argv = {"/bin/sh", "-c", std::string(script)};
    command.input = input.get();
    command.password = password_;
    read_in_process(command, limits, sink_, std::move(stop));
  }

  ScratchFolder folder_;
  Collected sink_;
  std::string password_;
  std::string message_;
};

TEST_F(ReaderProcessTest, HandsOnWhatTheReaderSays) {
  run(cat(kBegin, ";", kPage, ";", kEnd));
  EXPECT_TRUE(sink_.has_ended);
  ASSERT_EQ(sink_.pages.size(), 1U);
  EXPECT_EQ(sink_.pages[0].text, "one");
}

TEST_F(ReaderProcessTest, TheReaderGetsTheDocumentThePasswordAndNothingElse) {
  password_ = "sesame";
  ::setenv("QUINTET_TEST_SECRET", "secret", 1);
  // Without O_CLOEXEC, and two of them: the shell has one more of its own while it looks.
  const FileDescriptor open_here(::open("/dev/null", O_RDONLY));
  const FileDescriptor open_too(::open("/dev/null", O_RDONLY));
  run(cat(kBegin, R"sh(
read -r document <&3; read -r password <&4
printf '{"type":"page","number":1,"text":"%s %s %s"}\n' "$document" "$password" "$QUINTET_TEST_SECRET"
printf '{"type":"page","number":2,"text":"%s"}\n' "$(cd /proc/$$/fd && echo *)"
)sh",
          kEnd));
  ASSERT_EQ(sink_.pages.size(), 2U);
  EXPECT_EQ(sink_.pages[0].text, "the document sesame ");
  EXPECT_THAT(sink_.pages[1].text, testing::MatchesRegex("0 1 2 3 4( [0-9]+)?"));
}

TEST_F(ReaderProcessTest, EveryEndBeforeTheEndHasItsFault) {
  EXPECT_EQ(fault_of(R"(echo '{"type":"error","fault":"wrong_password","message":"no"}')"),
            DocumentFault::wrong_password);
  EXPECT_EQ(fault_of(cat(kBegin, ";", kPage, "; echo 'a complaint' >&2; kill -SEGV $$")),
            DocumentFault::crashed);
  EXPECT_THAT(message_, HasSubstr("after page 1"));
  EXPECT_THAT(message_, HasSubstr("SIGSEGV"));
  EXPECT_THAT(message_, HasSubstr("a complaint"));
  EXPECT_EQ(fault_of(cat(kBegin, "; exit 1")), DocumentFault::crashed);
  EXPECT_EQ(fault_of(cat(kBegin, "; echo '{broken'")), DocumentFault::crashed);
  EXPECT_EQ(fault_of("exit 127"), DocumentFault::reader_missing);
  EXPECT_EQ(fault_of(cat(kBegin, "; kill -XCPU $$")), DocumentFault::out_of_time);
}

TEST_F(ReaderProcessTest, LimitsEndTheReaderAndAllThatItStarted) {
  const auto child = cat("sleep 1000 & echo $! >", (folder_ / "child").string(), "; ");
  EXPECT_EQ(fault_of(cat(kBegin, "; ", child, "sleep 1000"), {.page_time = 100ms}),
            DocumentFault::out_of_time);
  std::ifstream numbers(folder_ / "child");
  pid_t pid = 0;
  numbers >> pid;
  ASSERT_GT(pid, 0);
  for (int i = 0; i < 1000 && ::kill(pid, 0) == 0; ++i)
    std::this_thread::sleep_for(5ms);  // until init has reaped it
  std::string state;
  std::ifstream(cat("/proc/", pid, "/stat")) >> state >> state >> state;
  EXPECT_TRUE(::kill(pid, 0) != 0 || state == "Z");
  EXPECT_EQ(fault_of(cat(kBegin, "; while :; do echo; done"), {.total_time = 200ms}),
            DocumentFault::out_of_time);
  EXPECT_EQ(fault_of("while :; do echo 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' | tr -d '\\n'; done",
                     {.line_bytes = 1000}),
            DocumentFault::too_large);
  EXPECT_EQ(fault_of("while :; do echo; done", {.output_bytes = 1000}), DocumentFault::too_large);
}

TEST_F(ReaderProcessTest, AStopEndsIt) {
  std::stop_source stop;
  std::jthread asker([&] { stop.request_stop(); });
  EXPECT_THROW(run(cat(kBegin, "; sleep 1000"), {}, stop.get_token()), Cancelled);
}

TEST_F(ReaderProcessTest, WhatTheSinkThrowsPassesThrough) {
  class Full final : public DocumentSink {
    void begin(const DocumentInfo&) override { throw Exhausted("the disk is full"); }
    void page(Page) override {}
    void end(const std::vector<std::string>&) override {}
  } full;
  ReaderCommand command;
  command.argv = {"/bin/sh", "-c", cat(kBegin, ";", kEnd)};
  command.input = STDERR_FILENO;
  EXPECT_THROW(read_in_process(command, {}, full, {}), Exhausted);
}

// ---- quintet-pdf itself

/// A PDF with a line of text on each page, and a right table of its objects.
std::string make_pdf(const std::vector<std::string>& lines, std::string_view trailer = "") {
  std::vector<std::string> objects;
  std::string kids;
  for (std::size_t i = 0; i < lines.size(); ++i) kids += cat(3 + 2 * i + 1, " 0 R ");
  objects.push_back("<</Type/Catalog/Pages 2 0 R>>");
  objects.push_back(cat("<</Type/Pages/Kids[", kids, "]/Count ", lines.size(), ">>"));
  objects.push_back("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    objects.push_back(
        cat("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents ",
            3 + 2 * i + 2, " 0 R>>"));
    const std::string content = cat("BT /F 12 Tf 72 700 Td (", lines[i], ") Tj ET");
    objects.push_back(cat("<</Length ", content.size(), ">>stream\n", content, "\nendstream"));
  }
  std::string out = "%PDF-1.4\n";
  std::string table;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    std::string offset = cat(out.size());
    table += cat(std::string(10 - offset.size(), '0'), offset, " 00000 n \n");
    out += cat(i + 1, " 0 obj\n", objects[i], "\nendobj\n");
  }
  const std::size_t at = out.size();
  return out + cat("xref\n0 ", objects.size() + 1, "\n0000000000 65535 f \n", table, "trailer\n<</Size ",
                   objects.size() + 1, "/Root 1 0 R", trailer, ">>\nstartxref\n", at, "\n%%EOF\n");
}

class PdfReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto self = std::filesystem::read_symlink("/proc/self/exe");
    const auto reader = self.parent_path().parent_path() / "quintet-pdf";
    if (!std::filesystem::exists(reader)) GTEST_SKIP() << "quintet-pdf was not built";
    options_.pdf_reader = reader.string();
  }
  void read(std::string_view name, std::string_view bytes) {
    sink_ = {};
    read_document(folder_.write("file", bytes), name, options_, sink_);
  }
  DocumentFault fault_of(std::string_view name, std::string_view bytes) {
    try {
      read(name, bytes);
    } catch (const DocumentError& error) {
      message_ = error.what();
      return error.fault();
    }
    ADD_FAILURE() << "no error";
    return DocumentFault::crashed;
  }

  ScratchFolder folder_;
  ReadOptions options_;
  Collected sink_;
  std::string message_;
};

TEST_F(PdfReaderTest, ReadsWordsWithTheirPlaces) {
  read("a.pdf", make_pdf({"Hello world", "Page two"}));
  EXPECT_TRUE(sink_.has_ended);
  EXPECT_EQ(sink_.info.format, "pdf");
  ASSERT_EQ(sink_.pages.size(), 2U);
  const Page& page = sink_.pages[0];
  EXPECT_EQ(page.text, "Hello world");
  EXPECT_EQ(page.width, 612);
  ASSERT_EQ(page.words.size(), 2U);
  EXPECT_NEAR(page.words[0].box.x0, 72, 1);
  EXPECT_NEAR(page.words[0].box.x1, 72 + 27.3, 1) << "Helvetica's widths at 12 points";
  EXPECT_LT(page.words[0].box.y0, 92);
  EXPECT_GE(page.words[0].box.y1, 92) << "the baseline is 700 points above the foot of 792";
  EXPECT_EQ(sink_.pages[1].text, "Page two");
}

TEST_F(PdfReaderTest, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(fault_of("a.pdf", ""), DocumentFault::empty);
  EXPECT_EQ(fault_of("a.pdf", "%PDF-1.4\nnothing of the kind"), DocumentFault::corrupt);
  EXPECT_THAT(message_, HasSubstr("reading a.pdf: "));
  EXPECT_EQ(fault_of("a.exe", "MZ\x90"), DocumentFault::unsupported);
  options_.max_pages = 1;
  EXPECT_EQ(fault_of("a.pdf", make_pdf({"one", "two"})), DocumentFault::too_large);
  options_.max_file_bytes = 10;
  EXPECT_EQ(fault_of("a.pdf", make_pdf({"one"})), DocumentFault::too_large);
  options_.pdf_reader = (folder_ / "absent").string();
  options_.max_file_bytes = 1 << 20;
  EXPECT_EQ(fault_of("a.pdf", make_pdf({"one"})), DocumentFault::reader_missing);
  EXPECT_THROW(read_document(folder_ / "none", "none.pdf", options_, sink_), NotFound);
  EXPECT_THROW(read_document(folder_.path(), "folder.pdf", options_, sink_), InvalidArgument);
}

TEST_F(PdfReaderTest, ADeclaredCountOfPagesIsNotBelieved) {
  std::string bytes = make_pdf({"one"});
  bytes = replace_all(std::move(bytes), "/Count 1", "/Count 100000");
  try {
    read("a.pdf", bytes);
    EXPECT_EQ(sink_.pages.size(), 1U);
  } catch (const DocumentError& error) {
    EXPECT_TRUE(error.fault() == DocumentFault::corrupt || error.fault() == DocumentFault::too_large)
        << error.what();
  }
}

TEST(IsPdf, GoesByContentFirst) {
  EXPECT_TRUE(is_pdf("%PDF-1.7\n", "a.txt"));
  EXPECT_TRUE(is_pdf("rubbish", "a.PDF"));
  EXPECT_TRUE(is_pdf(std::string("\x01\x02rubbish%PDF-1.4"), "a"));
  EXPECT_FALSE(is_pdf("A text about %PDF-1.4", "a.txt"));
  EXPECT_FALSE(is_pdf("", ""));
}

}  // namespace
}  // namespace quintet
