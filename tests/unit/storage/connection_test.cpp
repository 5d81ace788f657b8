#include "storage/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/log.h"
#include "scratch.h"
#include "storage/database.h"

namespace quintet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Migration kTables[] = {{"test", 1,
                                  "CREATE TABLE t(a, b, c, d, e); CREATE TABLE parent(id TEXT PRIMARY KEY); "
                                  "CREATE TABLE child(parent_id TEXT NOT NULL REFERENCES parent(id));"}};

class ConnectionTest : public testing::Test {
 protected:
  ScratchFolder folder_;
  Database database_{{.path = folder_ / "test.db"}, kTables, null_log()};
};

TEST_F(ConnectionTest, ValuesOfEveryTypeComeBackAsTheyWere) {
  const std::string with_nul("a\0b\0", 4);
  const std::string all_bytes = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    return bytes;
  }();
  database_.write([&](Connection& db) {
    db.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", with_nul, std::int64_t{1} << 62, -0.125, true,
               std::nullopt);
    Statement blob = db.prepare("INSERT INTO t(a, b) VALUES (?, ?)");
    blob.bind_blob(1, all_bytes);
    blob.bind_blob(2, {});
    blob.run();
  });
  database_.read([&](Connection& db) {
    Statement rows = db.prepare("SELECT a, b, c, d, e, typeof(a), typeof(b) FROM t ORDER BY rowid");
    ASSERT_TRUE(rows.step());
    EXPECT_EQ(rows.text(0), with_nul);
    EXPECT_EQ(rows.integer(1), std::int64_t{1} << 62);
    EXPECT_EQ(rows.number(2), -0.125);
    EXPECT_EQ(rows.integer(3), 1);
    EXPECT_TRUE(rows.is_null(4));
    EXPECT_EQ(rows.text(5), "text");
    ASSERT_TRUE(rows.step());
    EXPECT_EQ(rows.blob(0), all_bytes);
    EXPECT_EQ(rows.blob(1), "");
    EXPECT_FALSE(rows.is_null(1));
    EXPECT_EQ(rows.text(6), "blob");
    EXPECT_FALSE(rows.step());
  });
}

TEST_F(ConnectionTest, AbsenceIsNullAndEmptyTextIsNot) {
  database_.write([](Connection& db) {
    db.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", std::optional<std::string>("x"),
               std::optional<std::string>(), std::optional<int>(7), std::string_view(),
               std::optional<double>());
  });
  database_.read([](Connection& db) {
    Statement row = db.prepare("SELECT a, b, c, d, e FROM t");
    ASSERT_TRUE(row.step());
    EXPECT_EQ(row.optional_text(0), "x");
    EXPECT_EQ(row.optional_text(1), std::nullopt);
    EXPECT_EQ(row.optional_integer(2), 7);
    EXPECT_EQ(row.optional_text(3), "");
    EXPECT_EQ(row.optional_integer(4), std::nullopt);
    EXPECT_EQ(row.optional_number(4), std::nullopt);
    EXPECT_EQ(row.text(1), "");
    EXPECT_EQ(row.integer(1), 0);
  });
}

TEST_F(ConnectionTest, AStatementIsReusedAfterReset) {
  database_.write([](Connection& db) {
    Statement insert = db.prepare("INSERT INTO t(a) VALUES (?)");
    for (int i = 0; i < 3; ++i) insert.bind(i).run();
    EXPECT_EQ(db.last_insert_rowid(), 3);
    db.execute("UPDATE t SET b = 1 WHERE a > ?", 0);
    EXPECT_EQ(db.n_changed(), 2);
  });
}

TEST_F(ConnectionTest, TheSameTextMayBePreparedTwiceAtOnce) {
  database_.write([](Connection& db) {
    for (int i = 0; i < 2; ++i) db.execute("INSERT INTO t(a) VALUES (?)", i);
  });
  database_.read([](Connection& db) {
    std::vector<std::int64_t> pairs;
    for (int round = 0; round < 2; ++round) {  // the second round takes both from the cache
      Statement outer = db.prepare("SELECT a FROM t ORDER BY a");
      while (outer.step()) {
        Statement inner = db.prepare("SELECT a FROM t ORDER BY a");
        while (inner.step()) pairs.push_back(outer.integer(0) * 10 + inner.integer(0));
      }
    }
    EXPECT_THAT(pairs, ElementsAre(0, 1, 10, 11, 0, 1, 10, 11));
  });
}

TEST_F(ConnectionTest, MoreStatementsThanTheCacheHoldsStillWork) {
  database_.read([](Connection& db) {
    for (int round = 0; round < 3; ++round)
      for (int i = 0; i < 200; ++i) {
        Statement statement = db.prepare("SELECT " + std::to_string(i));
        ASSERT_TRUE(statement.step());
        EXPECT_EQ(statement.integer(0), i);
      }
  });
}

TEST_F(ConnectionTest, ReadersCannotWrite) {
  EXPECT_THROW(database_.read([](Connection& db) { db.execute("DELETE FROM t"); }), Unavailable);
}

TEST_F(ConnectionTest, ConstraintsBecomeConflicts) {
  database_.write([](Connection& db) { db.execute("INSERT INTO parent VALUES ('p')"); });
  EXPECT_THROW(database_.write([](Connection& db) { db.execute("INSERT INTO parent VALUES ('p')"); }),
               Conflict);
  EXPECT_THROW(database_.write([](Connection& db) { db.execute("INSERT INTO child VALUES ('other')"); }),
               Conflict);
  EXPECT_THROW(database_.write([](Connection& db) { db.execute("INSERT INTO child VALUES (NULL)"); }),
               InternalError);
}

TEST_F(ConnectionTest, WrongSqlIsQuotedInTheError) {
  try {
    database_.read([](Connection& db) { db.prepare("SELEKT 1"); });
    FAIL() << "wrong SQL was accepted";
  } catch (const InternalError& error) {
    EXPECT_THAT(error.what(), HasSubstr("SELEKT 1"));
    EXPECT_THAT(error.what(), HasSubstr("test.db"));
  }
}

TEST_F(ConnectionTest, FullTextSearchIsThere) {
  database_.write([](Connection& db) {
    db.execute("CREATE VIRTUAL TABLE words USING fts5(text, content='')");
    db.execute("INSERT INTO words(rowid, text) VALUES (1, ?)", "how do I return a parcel");
    db.execute("INSERT INTO words(rowid, text) VALUES (2, ?)", "opening hours");
  });
  database_.read([](Connection& db) {
    Statement hits = db.prepare("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank");
    hits.bind("parcel");
    ASSERT_TRUE(hits.step());
    EXPECT_EQ(hits.integer(0), 1);
    EXPECT_FALSE(hits.step());
  });
}

}  // namespace
}  // namespace quintet
