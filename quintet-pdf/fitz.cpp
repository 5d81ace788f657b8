#include "fitz.h"

#include <cstdlib>
#include <exception>
#include <malloc.h>

namespace quintet::pdf {

namespace {

/// What MuPDF keeps of fonts, images and objects between pages.
constexpr std::size_t kStoreBytes = std::size_t{48} << 20;

}  // namespace

struct Fitz::Memory {
  std::size_t limit_bytes = 0;
  std::size_t used_bytes = 0;

  static void* allocate(void* user, std::size_t size) noexcept { return reallocate(user, nullptr, size); }
  static void* reallocate(void* user, void* old, std::size_t size) noexcept {
    auto& memory = *static_cast<Memory*>(user);
    const std::size_t old_bytes = old == nullptr ? 0 : malloc_usable_size(old);
    const std::size_t others = memory.used_bytes - old_bytes;
    if (others > memory.limit_bytes || size > memory.limit_bytes - others) return nullptr;
    void* now = std::realloc(old, size);
    if (now != nullptr) memory.used_bytes = others + malloc_usable_size(now);
    return now;
  }
  static void release(void* user, void* old) noexcept {
    if (old == nullptr) return;
    static_cast<Memory*>(user)->used_bytes -= malloc_usable_size(old);
    std::free(old);
  }
};

Fitz::Fitz(std::size_t memory_limit_bytes) : memory_(std::make_unique<Memory>()) {
  memory_->limit_bytes = memory_limit_bytes;
  const fz_alloc_context allocator{memory_.get(), Memory::allocate, Memory::reallocate, Memory::release};
  context_ = fz_new_context(&allocator, nullptr, kStoreBytes);
  if (context_ == nullptr) throw FitzError(FZ_ERROR_MEMORY, "MuPDF could not be started: no memory");
  // Both would go to standard error; what matters arrives as an exception.
  fz_set_error_callback(context_, [](void*, const char*) {}, nullptr);
  fz_set_warning_callback(context_, [](void*, const char*) {}, nullptr);
}

Fitz::~Fitz() {
  fz_drop_context(context_);
}

void guard_call(fz_context* context, void (*call)(void*), void* argument) {
  std::exception_ptr thrown;
  fz_try(context) {
    try {
      call(argument);
    } catch (...) {
      thrown = std::current_exception();
    }
  }
  fz_catch(context) {
    throw FitzError(fz_caught(context), fz_caught_message(context));
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace quintet::pdf
