#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace quintet {

/// Whole files, named by the SHA-256 of their content: the same file given twice is kept once, and what is
/// read is what was stored. Below one folder, readable by the owner alone.
///
/// A blob is there, complete, from the moment commit() returns, also after a kill; one that was begun and not
/// committed leaves at most a temporary file, which the next BlobStore of the folder removes. Any thread;
/// several processes may share the folder.
class BlobStore {
 public:
  struct Blob {
    std::string sha256;  // 64 hexadecimal digits
    std::uint64_t size = 0;
  };

  /// Makes the folder when it is absent. Throws Unavailable.
  explicit BlobStore(std::filesystem::path folder);

  /// Takes a blob in pieces. Dropped without commit() it leaves nothing.
  class Writer {
   public:
    Writer(Writer&&) noexcept;
    Writer& operator=(Writer&&) noexcept;
    ~Writer();
    /// Throws Exhausted when the disk or the limit is full, Unavailable when it cannot be written.
    void append(std::string_view bytes);
    Blob commit();

   private:
    friend class BlobStore;
    struct State;
    explicit Writer(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
  };
  /// `max_bytes`: the limit after which append() throws Exhausted naming it.
  Writer begin(std::uint64_t max_bytes);

  Blob put(std::string_view bytes);
  /// A copy of a file. Throws NotFound, InvalidArgument (a directory) or Exhausted (larger than `max_bytes`:
  /// said before anything is copied).
  Blob put_file(const std::filesystem::path& path, std::uint64_t max_bytes);

  bool contains(std::string_view sha256) const;
  /// Where the blob lies, for readers that want a file. Throws NotFound; InvalidArgument for what is no name
  /// of a blob.
  std::filesystem::path path_of(std::string_view sha256) const;
  void remove(std::string_view sha256);
  /// Removes the blobs that `is_used` does not know, at least an hour old (a younger one may be about to be
  /// used). Returns how many.
  std::size_t remove_unused(const std::function<bool(std::string_view sha256)>& is_used);

 private:
  std::filesystem::path place_of(std::string_view sha256) const;
  std::filesystem::path folder_;
};

}  // namespace quintet
