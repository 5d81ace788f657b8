#pragma once

#include <string_view>
#include <vector>

#include "core/json.h"
#include "formats/tokenizer_data.h"

namespace quintet {

/// The parts of a tokenizer.json that are lists of steps; internal to readers and writers. Reading throws
/// CorruptData or InvalidArgument naming the part that is malformed, Unsupported naming a type that is not
/// known here.
void read_normalizer_json(const Json& value, std::vector<NormalizerStep>& out);
void read_pre_tokenizer_json(const Json& value, std::vector<PreTokenizerStep>& out);
void read_decoder_json(const Json& value, TokenizerData& data);
/// `value` is post_processor: what stands before and after a single text.
void read_post_processor_json(const Json& value, const PieceIndex& index, TokenizerData& data);

/// The same steps written: null, the one step, or a sequence. Throws Unsupported for SentencePiece's
/// normaliser, which no tokenizer.json has.
Json normalizer_json(const std::vector<NormalizerStep>& steps);
Json pre_tokenizer_json(const std::vector<PreTokenizerStep>& steps);

}  // namespace quintet
