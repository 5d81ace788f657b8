#include "apps/faq/knowledge_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_database.h"

namespace quintet::faq {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class KnowledgeStoreTest : public testing::Test {
 protected:
  std::vector<std::string> questions(std::string_view query = "", std::string_view tag = "") {
    std::vector<std::string> found;
    for (const auto& stored : store_.entries("shop", query, tag, 0, 100).entries)
      found.push_back(stored.entry.question);
    return found;
  }

  TemporaryDatabase database_;
  KnowledgeStore store_{*database_};
};

class FilledKnowledgeStoreTest : public KnowledgeStoreTest {
 protected:
  FilledKnowledgeStoreTest() {
    store_.create("shop", "Shop", "");
    first_ = store_.add(
        "shop", make_entry("Do you ship abroad?", "Yes, to the EU.", {"International delivery"}), "ann");
    second_ = store_.add("shop", make_entry("How do I pay?", "By card."), "ann");
  }
  StoredEntry first_;
  StoredEntry second_;
};

TEST_F(KnowledgeStoreTest, NamesAreSlugsAndTakenOnce) {
  store_.create("shop", "Shop", "");
  EXPECT_THROW(store_.create("shop", "", ""), Conflict);
  EXPECT_THROW(store_.create("My Shop", "", ""), InvalidArgument);
  EXPECT_THROW(store_.create("", "", ""), InvalidArgument);
  EXPECT_THROW(store_.create("../etc", "", ""), InvalidArgument);
}

TEST_F(KnowledgeStoreTest, AnUnknownNameIsSaidWithTheOnesThatExist) {
  store_.create("shop", "", "");
  try {
    store_.get("shpo");
    FAIL() << "an unknown name was found";
  } catch (const NotFound& error) {
    EXPECT_THAT(error.what(), HasSubstr("shop"));
  }
}

TEST_F(FilledKnowledgeStoreTest, LiveSearchFindsPrefixesAlternativesAndOtherScripts) {
  store_.add("shop", make_entry("如何退货？", "七天之内可以退货。"), "ann");
  EXPECT_THAT(questions("shi"), ElementsAre("Do you ship abroad?"));
  EXPECT_THAT(questions("international DELIV"), ElementsAre("Do you ship abroad?"));
  EXPECT_THAT(questions("退货"), ElementsAre("如何退货？"));
  EXPECT_THAT(questions("zebra"), ElementsAre());
  EXPECT_THAT(questions("\" OR * NEAR("), ElementsAre());  // operators are plain text
  EXPECT_EQ(questions().size(), 3u);
}

TEST_F(FilledKnowledgeStoreTest, SearchFollowsEditsAndDeletions) {
  FaqEntry edited = first_.entry;
  edited.question = "Do you deliver to Norway?";
  edited.alternatives.clear();
  const auto stored = store_.update("shop", edited, first_.revision, "bob");
  EXPECT_THAT(questions("norway"), ElementsAre("Do you deliver to Norway?"));
  EXPECT_THAT(questions("abroad"), ElementsAre());
  store_.remove_entry("shop", edited.id, stored.revision, "bob");
  EXPECT_THAT(questions("norway"), ElementsAre());
}

TEST_F(FilledKnowledgeStoreTest, TheLaterOfTwoEditorsSeesAConflictAndNothingIsLost) {
  FaqEntry mine = first_.entry;
  mine.answer = "mine";
  FaqEntry theirs = first_.entry;
  theirs.answer = "theirs";
  store_.update("shop", theirs, first_.revision, "bob");
  try {
    store_.update("shop", mine, first_.revision, "ann");
    FAIL() << "the second editor overwrote the first";
  } catch (const EditConflict& conflict) {
    ASSERT_TRUE(conflict.current());
    EXPECT_EQ(conflict.current()->entry.answer, "theirs");
    EXPECT_THAT(conflict.what(), HasSubstr("bob"));
    store_.update("shop", mine, conflict.current()->revision, "ann");
  }
  EXPECT_EQ(store_.entry("shop", first_.entry.id).entry.answer, "mine");
}

TEST_F(FilledKnowledgeStoreTest, ADuplicateQuestionIsRefusedWhateverItsCaseAndAccents) {
  EXPECT_THROW(store_.add("shop", make_entry("HOW do i PAY?", "Cash"), "ann"), Conflict);
  FaqEntry edited = first_.entry;
  edited.question = "how do i pay?";
  EXPECT_THROW(store_.update("shop", edited, first_.revision, "ann"), Conflict);
}

TEST_F(FilledKnowledgeStoreTest, EntriesAreValidated) {
  EXPECT_THROW(store_.add("shop", make_entry(" ", "x"), "ann"), InvalidArgument);
  EXPECT_THROW(store_.add("shop", make_entry("x", ""), "ann"), InvalidArgument);
  EXPECT_THROW(store_.add("shop", make_entry("x\xFF", "x"), "ann"), InvalidArgument);
  EXPECT_THROW(store_.add("shop", make_entry(std::string("x\0y", 3), "x"), "ann"), InvalidArgument);
  FaqEntry link = make_entry("x", "y");
  link.url = "javascript:alert(1)";
  EXPECT_THROW(store_.add("shop", link, "ann"), InvalidArgument);
}

TEST_F(FilledKnowledgeStoreTest, ImportAddsChangesKeepsAndReplaces) {
  std::vector<FaqEntry> file{make_entry("do you ship ABROAD?", "To the whole world."),
                             make_entry("How do I pay?", "By card."),
                             make_entry("Where are you?", "In Bergen.")};
  const auto dry = store_.import("shop", file, ImportMode::merge, "ann", "f.json", true);
  EXPECT_EQ(dry.n_new, 1);
  EXPECT_EQ(questions().size(), 2u);
  const auto counts = store_.import("shop", file, ImportMode::merge, "ann", "f.json", false);
  EXPECT_EQ(counts.n_new, 1);
  EXPECT_EQ(counts.n_changed, 1);
  EXPECT_EQ(counts.n_unchanged, 1);
  EXPECT_EQ(store_.entry("shop", first_.entry.id).entry.answer, "To the whole world.");
  const auto replaced = store_.import("shop", {make_entry("Where are you?", "In Bergen.")},
                                      ImportMode::replace, "ann", "g.json", false);
  EXPECT_EQ(replaced.n_removed, 2);
  EXPECT_THAT(questions(), ElementsAre("Where are you?"));
  const auto again = store_.import("shop", {make_entry("Where are you?", "In Bergen.")}, ImportMode::merge,
                                   "ann", "g.json", false);
  EXPECT_FALSE(again.change_id);
}

TEST_F(FilledKnowledgeStoreTest, UndoPutsBackWhatAChangeReplacedAndCanItselfBeUndone) {
  FaqEntry edited = first_.entry;
  edited.answer = "No.";
  store_.update("shop", edited, first_.revision, "bob");
  const auto edit_id = store_.history("shop", std::nullopt, 1).changes.front().id;
  const auto undo_id = store_.undo("shop", edit_id, "ann");
  EXPECT_EQ(store_.entry("shop", first_.entry.id).entry, first_.entry);
  EXPECT_THROW(store_.undo("shop", edit_id, "ann"), Conflict);
  store_.undo("shop", undo_id, "ann");
  EXPECT_EQ(store_.entry("shop", first_.entry.id).entry.answer, "No.");
}

TEST_F(FilledKnowledgeStoreTest, UndoBringsBackADeletedEntryAndRemovesAnImport) {
  store_.remove_entry("shop", second_.entry.id, second_.revision, "bob");
  store_.undo("shop", store_.history("shop", std::nullopt, 1).changes.front().id, "ann");
  EXPECT_EQ(store_.entry("shop", second_.entry.id).entry, second_.entry);
  EXPECT_THAT(questions("card"), ElementsAre("How do I pay?"));
  const auto counts = store_.import("shop", {make_entry("Where are you?", "In Bergen.")}, ImportMode::merge,
                                    "ann", "f.json", false);
  store_.undo("shop", *counts.change_id, "ann");
  EXPECT_EQ(questions().size(), 2u);
}

TEST_F(FilledKnowledgeStoreTest, UndoRefusesToTouchWhatALaterChangeTouched) {
  FaqEntry edited = first_.entry;
  edited.answer = "one";
  const auto one = store_.update("shop", edited, first_.revision, "bob");
  const auto first_edit = store_.history("shop", std::nullopt, 1).changes.front().id;
  edited.answer = "two";
  store_.update("shop", edited, one.revision, "bob");
  EXPECT_THROW(store_.undo("shop", first_edit, "ann"), Conflict);
  EXPECT_EQ(store_.entry("shop", first_.entry.id).entry.answer, "two");
}

TEST_F(FilledKnowledgeStoreTest, HistoryIsPagedNewestFirst) {
  const auto page = store_.history("shop", std::nullopt, 1);
  ASSERT_EQ(page.changes.size(), 1u);
  EXPECT_EQ(page.changes.front().kind, "create");
  EXPECT_EQ(page.changes.front().entries.front().after->question, "How do I pay?");
  ASSERT_TRUE(page.next);
  const auto rest = store_.history("shop", page.next, 10);
  EXPECT_EQ(rest.changes.size(), 1u);
  EXPECT_FALSE(rest.next);
}

TEST_F(FilledKnowledgeStoreTest, TagsFilterAndPagesCount) {
  for (int i = 0; i < 5; ++i) {
    FaqEntry entry = make_entry("Question number " + std::to_string(i), "x");
    entry.tags = {i % 2 == 0 ? "even" : "odd"};
    store_.add("shop", entry, "ann");
  }
  EXPECT_EQ(questions("", "even").size(), 3u);
  EXPECT_EQ(questions("question", "odd").size(), 2u);
  const auto page = store_.entries("shop", "", "", 0, 4);
  EXPECT_EQ(page.total, 7);
  EXPECT_EQ(page.next, 4);
  EXPECT_EQ(store_.entries("shop", "", "", 4, 4).entries.size(), 3u);
}

TEST_F(FilledKnowledgeStoreTest, ADeletedKnowledgeBaseLeavesNothingToFind) {
  store_.remove("shop");
  EXPECT_THROW(store_.get("shop"), NotFound);
  store_.create("shop", "", "");
  EXPECT_TRUE(questions("ship").empty());
}

TEST(Slug, MakesANameOfAFileName) {
  EXPECT_EQ(slug("My FAQ.json"), "my-faq");
  EXPECT_EQ(slug("/tmp/Häufige Fragen.v2.csv"), "haufige-fragen");
  EXPECT_EQ(slug("???"), "faq");
  EXPECT_LE(slug(std::string(500, 'a')).size(), 64u);
}

}  // namespace
}  // namespace quintet::faq
