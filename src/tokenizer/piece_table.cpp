#include "tokenizer/piece_table.h"

#include <bit>

#include "core/error.h"

namespace quintet {

PieceTable::PieceTable(std::size_t n_expected) {
  slots_.resize(std::bit_ceil(n_expected * 2 + 16));
  mask_ = slots_.size() - 1;
}

void PieceTable::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.id == kNone) continue;
    const std::uint64_t hash = hash_bytes({bytes_.data() + slot.offset, slot.length});
    std::size_t i = hash & mask_;
    while (slots_[i].id != kNone) i = (i + 1) & mask_;
    slots_[i] = slot;
  }
}

std::uint32_t PieceTable::insert(std::string_view piece, std::uint32_t id) {
  if (const std::uint32_t found = find(piece); found != kNone) return found;
  if ((n_ + 1) * 2 > slots_.size()) grow();
  if (bytes_.size() + piece.size() > 0xFFFFFFFFU) throw Exhausted("tokenizer: pieces of more than 4 GiB");
  const std::uint64_t hash = hash_bytes(piece);
  std::size_t i = hash & mask_;
  while (slots_[i].id != kNone) i = (i + 1) & mask_;
  slots_[i] = {static_cast<std::uint32_t>(hash >> 32), id, static_cast<std::uint32_t>(bytes_.size()),
               static_cast<std::uint32_t>(piece.size())};
  bytes_.insert(bytes_.end(), piece.begin(), piece.end());
  ++n_;
  return id;
}

}  // namespace quintet
