#include "documents/chunk_packing.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "documents/text_cohesion.h"

namespace quintet {
namespace {

// Below this part of its target a chunk takes in the next section rather than staying alone.
constexpr std::size_t kSmallPart = 3;
constexpr std::size_t kFarBeyond = 16;  // times the bound
constexpr std::size_t kMaxSubjectSentences = 256;
constexpr std::size_t kWordWindow = 4;    // sentences; Hearst's blocks of about six
constexpr std::size_t kVectorWindow = 2;  // a vector says more than a handful of words

struct BlockPart {
  std::size_t end = 0;
  std::size_t n_tokens = 0;
};

/// The rest of the block from unit `first`, as far as it can matter: a block of a million rows is not counted
/// again for each of its chunks.
BlockPart measure_block(const TextFlow& flow, std::size_t first, std::size_t last, ChunkBounds bounds) {
  BlockPart block{first + 1, flow.unit(first).n_tokens};
  for (; block.end < last && !flow.unit(block.end).begins_block; ++block.end) {
    if (block.n_tokens > kFarBeyond * bounds.max) break;
    block.n_tokens += flow.unit(block.end).n_tokens;
  }
  return block;
}

std::size_t n_tokens(const TextFlow& flow, std::size_t first, std::size_t last) {
  std::size_t n = 0;
  for (std::size_t i = first; i < last; ++i) n += flow.unit(i).n_tokens;
  return n;
}

/// The first unit of the block that unit `i` belongs to, not before `first`.
std::size_t begin_of_block(const TextFlow& flow, std::size_t i, std::size_t first) {
  while (i > first && !flow.unit(i).begins_block) --i;
  return i;
}

/// What stands directly before unit `at` and must stay with it: headings, the caption of a table, the
/// sentence that announces a list. Its first unit, or `at`.
std::size_t begin_of_lead(const TextFlow& flow, std::size_t first, std::size_t at) {
  std::size_t lead = at;
  while (lead > first) {
    const FlowUnit& before = flow.unit(lead - 1);
    const BlockKind kind = lead < flow.n_units() ? flow.unit(lead).kind : BlockKind::paragraph;
    const bool lists = kind == BlockKind::list_item || kind == BlockKind::table || kind == BlockKind::code;
    const bool leads =
        before.kind == BlockKind::heading ||
        (before.kind == BlockKind::caption && kind == BlockKind::table) ||
        (before.kind == BlockKind::paragraph && lists && flow.text_of(lead - 1).ends_with(':'));
    if (!leads) break;
    lead = before.kind == BlockKind::paragraph ? lead - 1 : begin_of_block(flow, lead - 1, first);
    if (before.kind == BlockKind::paragraph) break;
  }
  return lead;
}

/// Units of one block from `first`, about as many as make equal parts of it.
std::size_t fill(const TextFlow& flow, std::size_t first, std::size_t end, std::size_t taken,
                 ChunkBounds bounds, std::size_t part) {
  std::size_t tokens = taken;
  std::size_t i = first;
  while (i < end) {
    const std::size_t next = flow.unit(i).n_tokens;
    if (tokens > 0 && (tokens >= part || tokens + next > bounds.max ||
                       (tokens + next > bounds.target && tokens * 2 >= bounds.target)))
      break;
    tokens += next;
    ++i;
  }
  return i;
}

/// The floor of a valley that is deep enough.
bool is_change(const std::vector<float>& depths, std::size_t gap, float threshold) {
  const float depth = depths[gap];
  return depth > 0 && depth >= threshold && (gap == 0 || depth >= depths[gap - 1]) &&
         (gap + 1 == depths.size() || depth >= depths[gap + 1]);
}

}  // namespace

std::optional<std::size_t> pack_blocks(const TextFlow& flow, std::size_t first, std::size_t last,
                                       ChunkBounds bounds, bool is_final) {
  std::size_t tokens = 0;
  bool has_body = false;
  std::size_t i = first;
  while (i < last) {
    const FlowUnit& head = flow.unit(i);
    const auto [end, block] = measure_block(flow, i, last, bounds);
    if (head.kind == BlockKind::heading && head.begins_block) {
      if (has_body && tokens * kSmallPart >= bounds.target) {
        const std::size_t lead = begin_of_lead(flow, first, i);
        return lead > first ? lead : i;
      }
      if (tokens > 0 && tokens + block > bounds.target) return i;
    }
    const bool is_table = head.kind == BlockKind::table;
    const bool follows_table =
        i > first && flow.unit(i - 1).kind == BlockKind::table && head.kind == BlockKind::caption;
    const std::size_t room = tokens * 2 < bounds.target || follows_table ? bounds.max : bounds.target;
    if (tokens + block <= room) {
      tokens += block;
      has_body = has_body || head.kind != BlockKind::heading;
      i = end;
      continue;
    }
    // The block does not fit whole. What leads up to it goes with it.
    const std::size_t lead = begin_of_lead(flow, first, i);
    const bool has_more = lead > first;
    const std::size_t before = has_more ? n_tokens(flow, first, lead) : 0;
    if (has_more && (before * 2 >= bounds.target || (is_table && tokens - before + block <= bounds.max)))
      return lead;
    const std::size_t n_parts = (block + bounds.target - 1) / bounds.target;
    const std::size_t part = tokens == 0 ? (block + n_parts - 1) / n_parts : bounds.target;
    const std::size_t cut = fill(flow, i, end, tokens, bounds, part);
    if (cut > i) return cut;
    return has_more ? lead : i;
  }
  if (!is_final || first >= last) return std::nullopt;
  return last;
}

std::optional<ChunkCut> pack_tokens(const TextFlow& flow, ChunkBounds bounds, std::size_t overlap,
                                    bool is_final) {
  std::size_t tokens = 0;
  std::size_t end = 0;
  while (end < flow.n_units() && (end == 0 || tokens + flow.unit(end).n_tokens <= bounds.target)) {
    tokens += flow.unit(end).n_tokens;
    ++end;
  }
  if (end == flow.n_units()) {
    if (!is_final || end == 0) return std::nullopt;
    return ChunkCut{end, end};
  }
  std::size_t next = end;
  std::size_t repeated = 0;
  while (next > 1 && repeated + flow.unit(next - 1).n_tokens <= overlap)
    repeated += flow.unit(--next).n_tokens;
  // What the overlap and the next unit make must be more than what this chunk has.
  while (next < end && repeated + flow.unit(end).n_tokens > bounds.target)
    repeated -= flow.unit(next++).n_tokens;
  return ChunkCut{end, next};
}

std::optional<ChunkCut> pack_window(const TextFlow& flow, ChunkBounds bounds, std::size_t n_sentences,
                                    std::size_t n_overlap, bool is_final) {
  std::size_t tokens = 0;
  std::size_t n = 0;  // sentences, headings not counted
  std::size_t end = 0;
  bool is_section_end = false;
  while (end < flow.n_units() && n < n_sentences) {
    const FlowUnit& unit = flow.unit(end);
    is_section_end = unit.kind == BlockKind::heading && n > 0;
    if (is_section_end || (end > 0 && tokens + unit.n_tokens > bounds.max)) break;
    tokens += unit.n_tokens;
    n += unit.kind == BlockKind::heading ? 0 : 1;
    ++end;
  }
  if (end == flow.n_units()) {
    if (!is_final || end == 0) return std::nullopt;
    return ChunkCut{end, end};
  }
  is_section_end = is_section_end || (n > 0 && flow.unit(end).kind == BlockKind::heading);
  if (is_section_end || n <= n_overlap) return ChunkCut{end, end};
  return ChunkCut{end, std::max<std::size_t>(1, end - n_overlap)};
}

std::vector<std::size_t> pack_subjects(const TextFlow& flow, ChunkBounds bounds,
                                       const SentenceEmbedding& embed, bool is_final) {
  std::size_t n = 0;
  bool has_body = false;
  while (n < flow.n_units() && n < kMaxSubjectSentences) {
    const bool is_heading = flow.unit(n).kind == BlockKind::heading;
    if (is_heading && has_body) break;
    has_body = has_body || !is_heading;
    ++n;
  }
  if (n == 0 || (n == flow.n_units() && n < kMaxSubjectSentences && !is_final)) return {};

  std::vector<std::string_view> sentences;
  for (std::size_t i = 0; i < n; ++i) sentences.push_back(flow.text_of(i));
  std::vector<float> cohesion;
  if (embed && n > 1) {
    const std::vector<std::vector<float>> vectors = embed(sentences);
    if (vectors.size() != n)
      throw InvalidArgument(
          cat("chunking: the embedding gave ", vectors.size(), " vectors for ", n, " sentences"));
    cohesion = cohesion_by_vectors(vectors, kVectorWindow);
  } else {
    cohesion = cohesion_by_words(sentences, kWordWindow);
  }
  std::vector<float> depths = valley_depths(cohesion);
  const float threshold = depth_threshold(depths);
  // Between a heading and its text, and within tables and code, there is no change of subject to look for.
  for (std::size_t gap = 0; gap + 1 < n; ++gap) {
    const FlowUnit& before = flow.unit(gap);
    const FlowUnit& after = flow.unit(gap + 1);
    const bool is_whole =
        (after.kind == BlockKind::table || after.kind == BlockKind::code) && !after.begins_block;
    if (before.kind == BlockKind::heading || is_whole) depths[gap] = -1;
  }
  std::vector<std::size_t> ends;
  std::size_t begin = 0;
  std::size_t tokens = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t next = flow.unit(i).n_tokens;
    while (i > begin && tokens + next > bounds.max) {
      // The deepest valley of the second half, else here.
      std::size_t best = i;
      float deepest = -1;
      for (std::size_t at = begin + (i - begin + 1) / 2; at <= i; ++at)
        if (at > begin && depths[at - 1] > deepest) {
          deepest = depths[at - 1];
          best = at;
        }
      ends.push_back(best);
      begin = best;
      tokens = n_tokens(flow, begin, i);
    }
    if (i > begin && tokens * kSmallPart >= bounds.target && is_change(depths, i - 1, threshold)) {
      ends.push_back(i);
      begin = i;
      tokens = 0;
    }
    tokens += next;
  }
  // A short rest joins the chunk before it.
  if (!ends.empty() && tokens * kSmallPart < bounds.target) {
    const std::size_t before = ends.size() > 1 ? ends[ends.size() - 2] : 0;
    if (n_tokens(flow, before, n) <= bounds.max) ends.pop_back();
  }
  ends.push_back(n);
  return ends;
}

}  // namespace quintet
