#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/thread_team.h"
#include "kernels/matmul.h"
#include "kernels/vector.h"
#include "tensor/storage.h"
#include "tensor/view.h"

namespace quintet {

/// Memory for what an operation needs while it runs: handed out from the front, taken back in reverse, kept
/// for the next operation. After the first pass over a model nothing is allocated any more. Not synchronised.
class Scratch {
 public:
  /// Uninitialised, aligned to 64 bytes, valid until the Scope that was open is closed.
  template <typename T>
  std::span<T> take(std::size_t n) {
    return {reinterpret_cast<T*>(take_bytes(n * sizeof(T))), n};
  }
  MatrixView<float> take_matrix(std::size_t rows, std::size_t cols) {
    return {take<float>(rows * cols).data(), rows, cols};
  }

  /// Gives back what was taken since it was made.
  class Scope {
   public:
    explicit Scope(Scratch& scratch) noexcept
        : scratch_(scratch), chunk_(scratch.chunk_), used_(scratch.used_) {}
    ~Scope() {
      scratch_.chunk_ = chunk_;
      scratch_.used_ = used_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Scratch& scratch_;
    std::size_t chunk_, used_;
  };

 private:
  std::byte* take_bytes(std::size_t n_bytes);

  std::vector<std::shared_ptr<Storage>> chunks_;
  std::size_t chunk_ = 0;  // the one in use
  std::size_t used_ = 0;   // bytes of it
};

/// What operations compute with: threads, the kernels of this processor, memory for the moment. One operation
/// at a time.
struct Compute {
  /// `n_threads` counts the caller, 0 = one for each processor; `isa` as in QUINTET_ISA, "" = the best there
  /// is. Throws InvalidArgument for an instruction set that is unknown or not supported here.
  explicit Compute(std::size_t n_threads = 0, std::string_view isa = {});
  /// With these kernels, which must outlive it.
  Compute(std::size_t n_threads, const kernels::MatmulTable& matmul, const kernels::VectorTable& vector);

  ThreadTeam team;
  const kernels::MatmulTable& matmul;
  const kernels::VectorTable& vector;
  Scratch scratch;
};

}  // namespace quintet
