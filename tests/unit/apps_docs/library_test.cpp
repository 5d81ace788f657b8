#include "apps/docs/library.h"

#include <atomic>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/docs/document_writer.h"
#include "apps/docs/ingestor.h"
#include "apps/docs/schema.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"
#include "core/text.h"
#include "retrieval/keyword_index.h"
#include "testing/scratch_folder.h"

namespace quintet::docs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Page make_page(int number, std::string text) {
  Page page;
  page.number = number;
  page.width = 612;
  page.height = 792;
  page.text = std::move(text);
  const auto size = static_cast<std::uint32_t>(page.text.size());
  page.words = {{{0, size}, {72, 72, 300, 84}}};
  Block block;
  block.range = {0, size};
  block.box = {72, 72, 300, 84};
  page.blocks = {block};
  return page;
}

/// A library whose files are read as one page for each line; "!fault" fails, "!wait" waits for the stop.
class LibraryTest : public testing::Test {
 protected:
  LibraryTest() {
    library_.create_collection("manuals", "Manuals", "");
    ingestor_.emplace(
        Ingestor::Options{.n_readers = 2, .on_done = {}}, library_,
        [this](const Ingestor::Job& job, DocumentSink& sink, std::stop_token stop) { read(job, sink, stop); },
        null_log());
  }

  void read(const Ingestor::Job& job, DocumentSink& sink, std::stop_token stop) {
    ++n_read_;
    const std::string text = read_file(blobs_.path_of(job.document.sha256));
    const auto lines = split_lines(text);
    DocumentInfo info;
    info.format = "txt";
    info.title = "Title of " + job.document.name;
    info.n_pages = static_cast<int>(lines.size());
    sink.begin(info);
    int number = 0;
    for (const std::string_view line : lines) {
      if (line == "!fault") throw DocumentError(DocumentFault::corrupt, "a.txt: damaged");
      if (line == "!wait") {
        is_waiting_ = true;
        while (!stop.stop_requested()) std::this_thread::yield();
        throw Cancelled("reading was stopped");
      }
      if (line == "!password" && job.password != "sesame")
        throw DocumentError(DocumentFault::password_required, "a.txt: needs a password");
      sink.page(make_page(++number, std::string(line)));
    }
    sink.end({"a warning"});
  }

  StoredDocument add(std::string_view name, std::string_view text) {
    const auto added = library_.add("manuals", name, "", blobs_.put(text));
    if (added.must_read) ingestor_->enqueue(added.document);
    return added.document;
  }
  StoredDocument add_and_wait(std::string_view name, std::string_view text) {
    const StoredDocument document = add(name, text);
    ingestor_->wait_until_idle();
    return library_.document(document.id);
  }
  /// The names of the documents in which the words are found, once for each chunk.
  std::vector<std::string> found(std::string_view words) {
    std::vector<std::int64_t> chunks;
    retrieval::KeywordFilter filter;
    filter.collections = {library_.collection("manuals").id};
    library_.database().read([&](Connection& db) {
      for (const auto& hit : retrieval::search_keywords(db, words, filter).hits) chunks.push_back(hit.chunk);
    });
    std::vector<std::string> names;
    for (const StoredChunk& chunk : library_.chunks(chunks))
      names.push_back(library_.document(chunk.document).name);
    EXPECT_EQ(names.size(), chunks.size()) << "the index knows chunks that are not shown";
    return names;
  }
  std::int64_t count(std::string_view table) {
    std::int64_t n = 0;
    library_.database().read([&](Connection& db) {
      Statement rows = db.prepare(cat("SELECT count(*) FROM ", table));
      rows.step();
      n = rows.integer(0);
    });
    return n;
  }

  static std::vector<Migration> all_migrations() {
    std::vector<Migration> all(migrations().begin(), migrations().end());
    const auto keyword = retrieval::keyword_migrations();
    all.insert(all.end(), keyword.begin(), keyword.end());
    return all;
  }
  static Database::Options options_in(const ScratchFolder& folder) {
    Database::Options options;
    options.path = folder / "test.db";
    return options;
  }

  ScratchFolder folder_;
  BlobStore blobs_{folder_ / "blobs"};
  Database database_{options_in(folder_), all_migrations(), null_log()};
  Library library_{database_, blobs_};
  std::atomic<int> n_read_ = 0;
  std::atomic<bool> is_waiting_ = false;
  std::optional<Ingestor> ingestor_;
};

TEST_F(LibraryTest, ADocumentIsReadStoredAndFound) {
  const auto document = add_and_wait("a.txt", "The pump is red.\nThe valve is blue.");
  EXPECT_EQ(document.state, DocumentState::ready);
  EXPECT_EQ(document.n_pages, 2);
  EXPECT_EQ(document.n_words, 8);
  EXPECT_EQ(document.info.title, "Title of a.txt");
  EXPECT_THAT(document.warnings, ElementsAre("a warning"));
  EXPECT_EQ(library_.page(document, 2), make_page(2, "The valve is blue."));
  EXPECT_THAT(found("valves"), ElementsAre("a.txt"));
  const auto chunks = library_.chunks(document, 0, 100);
  ASSERT_EQ(static_cast<std::int64_t>(chunks.size()), document.n_chunks);
  const auto places =
      locate(chunks.back().chunk, {0, static_cast<std::uint32_t>(chunks.back().chunk.text.size())});
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places.back(), (PageRange{2, {0, 18}}));
  const auto collection = library_.collection("manuals");
  EXPECT_EQ(collection.n_ready, 1);
  EXPECT_EQ(collection.n_pages, 2);
  EXPECT_THROW(library_.page(document, 3), NotFound);
}

TEST_F(LibraryTest, TheSameFileTwiceIsRecognisedUnderAnyName) {
  const auto first = add_and_wait("a.txt", "The pump is red.");
  const auto again = library_.add("manuals", "copy of a.txt", "", blobs_.put("The pump is red."));
  EXPECT_FALSE(again.is_new);
  EXPECT_FALSE(again.must_read);
  EXPECT_EQ(again.document.id, first.id);
  EXPECT_EQ(n_read_, 1);
}

TEST_F(LibraryTest, AChangedFileReplacesItsDocumentAndKeepsWhatWasDoneToUnchangedChunks) {
  const auto first = add_and_wait("a.txt", "The pump is red.");
  database_.write([&](Connection& db) {
    db.execute("UPDATE docs_chunk SET is_excluded = 1");
    db.execute("INSERT INTO docs_embedding SELECT id, 'm', x'00000000' FROM docs_chunk");
  });
  const auto same = add_and_wait("a.txt", "The pump is red.\n");  // other bytes, the same chunk
  EXPECT_EQ(same.id, first.id);
  EXPECT_EQ(same.version, 2);
  EXPECT_TRUE(library_.chunks(same, 0, 9).at(0).is_excluded);
  EXPECT_EQ(count("docs_embedding"), 1);
  const auto changed = add_and_wait("a.txt", "The valve is blue.");
  EXPECT_EQ(changed.version, 3);
  EXPECT_EQ(count("docs_embedding"), 0);
  EXPECT_TRUE(found("pump").empty());
  EXPECT_THAT(found("valve"), ElementsAre("a.txt"));
  EXPECT_EQ(count("docs_page"), 1) << "nothing of the old versions is left";
  EXPECT_EQ(count("keyword_chunk"), count("docs_chunk"));
}

TEST_F(LibraryTest, AFailedReadingSaysWhyAndLeavesWhatWasShown) {
  add_and_wait("a.txt", "The pump is red.");
  const auto failed = add_and_wait("a.txt", "The valve is blue.\n!fault");
  EXPECT_EQ(failed.state, DocumentState::failed);
  EXPECT_EQ(failed.fault, "corrupt");
  EXPECT_EQ(failed.problem, "a.txt: damaged");
  EXPECT_EQ(failed.version, 1);
  EXPECT_THAT(found("pump"), ElementsAre("a.txt"));
  EXPECT_TRUE(found("valve").empty());
  EXPECT_EQ(count("docs_page"), 1);
  EXPECT_TRUE(library_.add("manuals", "a.txt", "", blobs_.put("The valve is blue.\n!fault")).must_read)
      << "trying again is allowed";
}

TEST_F(LibraryTest, APasswordIsUsedOnceAndStoredNowhere) {
  const auto locked = add_and_wait("a.txt", "!password");
  EXPECT_EQ(locked.fault, "password_required");
  library_.requeue(locked.id);
  ingestor_->enqueue(locked, "sesame");
  ingestor_->wait_until_idle();
  EXPECT_EQ(library_.document(locked.id).state, DocumentState::ready);
  database_.flush();
  for (const char* file : {"test.db", "test.db-wal"})
    EXPECT_EQ(read_file(folder_ / file).find("sesame"), std::string::npos) << file;
}

TEST_F(LibraryTest, ReadingCanBeCancelledReplacedAndForgotten) {
  const auto cancelled = add("a.txt", "The pump is red.\n!wait");
  while (!is_waiting_) std::this_thread::yield();
  EXPECT_TRUE(ingestor_->progress(cancelled.row).has_value());
  ingestor_->cancel(cancelled);
  ingestor_->wait_until_idle();
  EXPECT_EQ(library_.document(cancelled.id).state, DocumentState::cancelled);
  EXPECT_EQ(count("docs_page"), 0);

  is_waiting_ = false;
  const auto replaced = add("a.txt", "!wait");
  while (!is_waiting_) std::this_thread::yield();
  const auto now = add_and_wait("a.txt", "The valve is blue.");
  EXPECT_EQ(now.id, replaced.id);
  EXPECT_EQ(now.state, DocumentState::ready);

  is_waiting_ = false;
  const auto forgotten = add("b.txt", "!wait");
  while (!is_waiting_) std::this_thread::yield();
  ingestor_->forget(forgotten.row);
  library_.remove_document(forgotten.id);
  EXPECT_THROW(library_.document(forgotten.id), NotFound);
  EXPECT_THAT(found("valve"), ElementsAre("a.txt"));
}

TEST_F(LibraryTest, WhatADeadProgramLeftIsReadAgainFromItsBeginning) {
  const auto document = add("a.txt", "The pump is red.\n!wait");
  while (!is_waiting_) std::this_thread::yield();
  ingestor_.reset();
  EXPECT_EQ(library_.document(document.id).state, DocumentState::queued);
  // A kill leaves more behind than a stop: a document that is being read, and rows of that reading.
  {
    DocumentWriter writer(library_, library_.document(document.id), {},
                          [](const DocumentWriter::Progress&) {});
    writer.begin({});
    writer.page(make_page(1, "The pump is green."));
    writer.end({});
  }
  EXPECT_EQ(library_.document(document.id).state, DocumentState::reading);
  EXPECT_GT(count("keyword_chunk"), 0);
  EXPECT_TRUE(found("green").empty());
  Ingestor next(
      {}, library_,
      [](const Ingestor::Job&, DocumentSink& sink, std::stop_token) {
        sink.begin({});
        sink.page(make_page(1, "The pump is yellow."));
        sink.end({});
      },
      null_log());
  next.resume();
  next.wait_until_idle();
  EXPECT_TRUE(found("green").empty());
  EXPECT_THAT(found("yellow"), ElementsAre("a.txt"));
  EXPECT_EQ(count("docs_page"), 1);
  EXPECT_EQ(count("keyword_chunk"), 1);
}

TEST_F(LibraryTest, RemovingACollectionLeavesNothingOfIt) {
  add_and_wait("a.txt", "The pump is red.");
  library_.remove_collection("manuals");
  for (const char* table : {"docs_document", "docs_page", "docs_chunk", "keyword_chunk", "keyword_text"})
    EXPECT_EQ(count(table), 0) << table;
  try {
    library_.collection("manuals");
    FAIL() << "still there";
  } catch (const NotFound& error) {
    EXPECT_THAT(error.what(), HasSubstr("there is none yet"));
  }
}

TEST_F(LibraryTest, NamesAndSettingsAreChecked) {
  EXPECT_THROW(library_.create_collection("manuals", "", ""), Conflict);
  EXPECT_THROW(library_.create_collection("My Manuals", "", ""), InvalidArgument);
  EXPECT_EQ(
      library_.change_collection("manuals", "New", std::nullopt, {{"chunking", "fixed"}}).settings.chunking,
      "fixed");
  for (const JsonObject& wrong :
       {JsonObject{{"chunking", "none"}}, JsonObject{{"chunk_tokens", 3}}, JsonObject{{"colour", "red"}}})
    EXPECT_THROW(library_.change_collection("manuals", std::nullopt, std::nullopt, wrong), InvalidArgument)
        << to_json(wrong);
}

TEST(DocumentNames, LoseWhatAFileSystemMightMisread) {
  EXPECT_EQ(clean_document_name("../../etc/passwd"), "etc/passwd");
  EXPECT_EQ(clean_document_name("C:\\Users\\a\\Report.pdf"), "C:/Users/a/Report.pdf");
  EXPECT_EQ(clean_document_name("/a//./b/ c .pdf"), "a/b/c .pdf");
  EXPECT_EQ(clean_document_name("evil\n\x1b[31mname.pdf"), "evil[31mname.pdf");
  EXPECT_THROW(clean_document_name("../.."), InvalidArgument);
  EXPECT_THROW(clean_document_name(" \n"), InvalidArgument);
  EXPECT_LE(clean_document_name(std::string(5000, 'a') + "/" + std::string(5000, 'b')).size(), 1024U);
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "földer/";
  const std::string name = clean_document_name(deep + "last.pdf");
  EXPECT_LE(name.size(), 1024U);
  EXPECT_TRUE(name.ends_with("/last.pdf"));
  EXPECT_FALSE(find_invalid_utf8(name).has_value());
}

}  // namespace
}  // namespace quintet::docs
