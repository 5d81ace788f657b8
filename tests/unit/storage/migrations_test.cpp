#include "storage/migrations.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/log.h"
#include "scratch.h"
#include "storage/database.h"

namespace quintet {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Migration kFirst = {"app", 1, "CREATE TABLE steps(name TEXT); INSERT INTO steps VALUES ('app 1')"};
constexpr Migration kSecond = {"app", 2, "INSERT INTO steps VALUES ('app 2')"};
constexpr Migration kThird = {"app", 3, "INSERT INTO steps VALUES ('app 3')"};
constexpr Migration kOther = {"other", 1, "INSERT INTO steps VALUES ('other 1')"};

class MigrationsTest : public testing::Test {
 protected:
  std::vector<std::string> open(std::vector<Migration> migrations) {
    const Database database({.path = folder_ / "test.db"}, migrations, null_log());
    std::vector<std::string> names;
    database.read([&](Connection& db) {
      Statement row = db.prepare("SELECT name FROM steps ORDER BY rowid");
      while (row.step()) names.push_back(row.text(0));
    });
    return names;
  }

  ScratchFolder folder_;
};

TEST_F(MigrationsTest, StepsRunOnceAndInOrder) {
  EXPECT_THAT(open({kSecond, kFirst}), ElementsAre("app 1", "app 2"));
  EXPECT_THAT(open({kFirst, kSecond}), ElementsAre("app 1", "app 2"));
  EXPECT_THAT(open({kFirst, kSecond, kThird, kOther}), ElementsAre("app 1", "app 2", "app 3", "other 1"));
  EXPECT_THAT(open({kFirst, kSecond, kThird, kOther}), ElementsAre("app 1", "app 2", "app 3", "other 1"));
}

TEST_F(MigrationsTest, AStepThatFailsLeavesNothingOfItself) {
  constexpr Migration kBroken = {"app", 2, "INSERT INTO steps VALUES ('half'); CREATE TABLE x(y); SELEKT 1"};
  try {
    open({kFirst, kBroken});
    FAIL() << "a broken migration was accepted";
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("migration app 2"), HasSubstr("SELEKT")));
  }
  EXPECT_THAT(open({kFirst}), ElementsAre("app 1"));
  EXPECT_THAT(open({kFirst, kSecond}), ElementsAre("app 1", "app 2"));
}

TEST_F(MigrationsTest, AFileOfANewerVersionIsLeftAlone) {
  open({kFirst, kSecond});
  try {
    open({kOther, kFirst});
    FAIL() << "a newer file was opened";
  } catch (const Unsupported& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr((folder_ / "test.db").string()), HasSubstr("a newer quintet wrote it"),
                      HasSubstr("app version 2, this one knows up to 1")));
  }
  EXPECT_THAT(open({kFirst, kSecond}), ElementsAre("app 1", "app 2"));  // and "other" was not begun
}

TEST_F(MigrationsTest, NumbersWithoutAGapAreRequired) {
  EXPECT_THROW(open({kFirst, kThird}), InternalError);
  EXPECT_THROW(open({kFirst, kFirst}), InternalError);
}

TEST_F(MigrationsTest, ProgramsThatStartTogetherMigrateOnce) {
  std::vector<std::thread> programs;
  for (int i = 0; i < 8; ++i)
    programs.emplace_back(
        [&] { EXPECT_THAT(open({kFirst, kSecond, kThird}), ElementsAre("app 1", "app 2", "app 3")); });
  for (auto& program : programs) program.join();
}

}  // namespace
}  // namespace quintet
