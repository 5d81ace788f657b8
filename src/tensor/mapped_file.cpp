// Files mapped read-only, and what happens when another program cuts one off meanwhile: reading behind the
// new end raises SIGBUS, which would end the process. A handler puts zeroed pages there instead, the read
// goes on, and Storage::require_unchanged() says afterwards that what was read is worth nothing. (POSIX,
// mmap: "References within the address range … to whole pages following the end of an object shall result in
// … SIGBUS".)
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "tensor/storage.h"

namespace quintet {

namespace {

/// An address range that the handler mends. Ranges are used again, never freed: the handler may be reading
/// them.
struct GuardedRange {
  std::atomic<std::uintptr_t> begin = 0;  // 0: not in use
  std::atomic<std::uintptr_t> end = 0;    // rounded up to a whole page
  std::atomic<bool> is_mended = false;
  std::atomic<bool> is_taken = false;
  GuardedRange* next = nullptr;
};
std::atomic<GuardedRange*> g_ranges = nullptr;
struct sigaction g_previous_action;

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

std::uintptr_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

/// Whether `address` lies in a mapped file; then all behind it, which is beyond the file's end too, is
/// zeroed.
bool mend(std::uintptr_t address) noexcept {
  for (GuardedRange* range = g_ranges.load(std::memory_order_acquire); range != nullptr;
       range = range->next) {
    const std::uintptr_t begin = range->begin.load(std::memory_order_acquire);
    const std::uintptr_t end = range->end.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= end) continue;
    const std::uintptr_t page = address / page_bytes() * page_bytes();
    range->is_mended.store(true, std::memory_order_release);
    return ::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
  }
  return false;
}

/// Anyone else's SIGBUS is passed on: to the handler before this one, or to the system, which ends the
/// process.
void on_bus_error(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const bool is_mended = info->si_code == BUS_ADRERR && mend(reinterpret_cast<std::uintptr_t>(info->si_addr));
  errno = saved_errno;
  if (is_mended) return;
  if ((g_previous_action.sa_flags & SA_SIGINFO) != 0) {
    g_previous_action.sa_sigaction(signal, info, context);
  } else if (g_previous_action.sa_handler != SIG_DFL && g_previous_action.sa_handler != SIG_IGN) {
    g_previous_action.sa_handler(signal);
  } else {
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    page_bytes();  // sysconf is not for signal handlers
    struct sigaction action{};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &g_previous_action);
  });
}

GuardedRange& take_range(const void* data, std::size_t n_bytes) {
  install_handler();
  GuardedRange* range = g_ranges.load(std::memory_order_acquire);
  while (range != nullptr && range->is_taken.exchange(true, std::memory_order_acq_rel)) range = range->next;
  if (range == nullptr) {
    range = new GuardedRange;
    range->is_taken.store(true, std::memory_order_relaxed);
    range->next = g_ranges.load(std::memory_order_relaxed);
    while (!g_ranges.compare_exchange_weak(range->next, range, std::memory_order_acq_rel)) {
    }
  }
  range->is_mended.store(false, std::memory_order_relaxed);
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  range->end.store((begin + n_bytes + page_bytes() - 1) / page_bytes() * page_bytes(),
                   std::memory_order_release);
  range->begin.store(begin, std::memory_order_release);
  return *range;
}

void give_back(GuardedRange& range) noexcept {
  range.begin.store(0, std::memory_order_release);
  range.is_taken.store(false, std::memory_order_release);
}

bool is_equal(const timespec& a, const timespec& b) noexcept {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

class FileStorage final : public Storage {
 public:
  explicit FileStorage(const std::filesystem::path& path) : path_(path) {
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) {
      const int reason = errno;
      if (reason == ENOENT) throw NotFound(cat("there is no file ", path.string()));
      throw InvalidArgument(cat("can't open ", path.string(), ": ", errno_text(reason)));
    }
    try {
      map();
    } catch (...) {
      ::close(file_);
      throw;
    }
  }
  ~FileStorage() override {
    give_back(*range_);
    ::munmap(data_, size_);
    ::close(file_);
  }
  bool is_writable() const noexcept override { return false; }

  void require_unchanged() const override {
    struct stat status{};
    const bool is_known = ::fstat(file_, &status) == 0;
    if (range_->is_mended.load(std::memory_order_acquire) ||
        (is_known && static_cast<std::size_t>(status.st_size) < size_)) {
      throw Unavailable(cat(path_.string(), " became shorter while it was read (from ", size_, " to ",
                            status.st_size, " bytes): another program is writing it"));
    }
    if (is_known && !is_equal(status.st_mtim, written_)) {
      throw Unavailable(cat(path_.string(), " was written to while it was read; try again when it is whole"));
    }
  }

 private:
  void map() {
    struct stat status{};
    const bool is_known = ::fstat(file_, &status) == 0;
    if (!is_known || !S_ISREG(status.st_mode) || status.st_size == 0) {
      throw InvalidArgument(
          cat(path_.string(), !is_known || S_ISREG(status.st_mode) ? " is empty" : " is not a file"));
    }
    size_ = static_cast<std::size_t>(status.st_size);
    written_ = status.st_mtim;
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_, 0);
    if (mapped == MAP_FAILED)
      throw InvalidArgument(cat("can't map ", path_.string(), ": ", errno_text(errno)));
    data_ = static_cast<std::byte*>(mapped);
    range_ = &take_range(data_, size_);
  }

  std::filesystem::path path_;
  int file_ = -1;
  timespec written_{};
  GuardedRange* range_ = nullptr;
};

}  // namespace

std::shared_ptr<Storage> map_file(const std::filesystem::path& path) {
  return std::make_shared<FileStorage>(path);
}

void release_pages(const Storage& storage, std::span<const std::byte> bytes) noexcept {
  if (storage.is_writable() || bytes.empty()) return;
  const std::uintptr_t page = page_bytes();
  const auto begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace quintet
