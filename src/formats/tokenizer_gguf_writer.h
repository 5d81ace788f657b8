#pragma once

#include <cstddef>

#include "formats/gguf_writer.h"
#include "formats/tokenizer_data.h"

namespace quintet {

/// Writes a tokenizer, whatever file it came from, as "tokenizer.*" of a GGUF file: pieces, types, scores or
/// merges, special ids, the name of the pre-tokenizer, chat templates. read_gguf_tokenizer gives the same ids
/// for every text back. Rows of the embedding without a piece, up to `vocab_size`, get unused ones.
///
/// GGUF's own keys have no place for some of what a tokenizer.json says. It stands under keys of ours, which
/// other programs pass over: "quintet.tokenizer.metaspace" ("always", "first", "never") and
/// "…metaspace_split" where blanks are put by a Metaspace, which adds none before a blank;
/// "quintet.tokenizer.added_ids" with "…added_flags" (1 takes white space on its left along, 2 on its right,
/// 4 is looked for in the normalised text, 8 only as a word of its own, 16 is a piece of a unigram model
/// too). A unigram tokenizer has the keys that SentencePiece's have ("t5": scores, charsmap, blanks). One of
/// a tokenizer.json has its steps beside them, as JSON, in "quintet.tokenizer.normalizer" (without the
/// charsmap) and "…pre_tokenizer": they say exactly what the keys say nearly, blanks at the end of a text for
/// one; and its scores in "…scores" where floats would round them. "…byte_fallback" is false where pieces
/// look like bytes and are none; "…unknown_text", "…strip_all_leading" and "…user_defined_are_pieces" (found
/// by the model, not before it) are SentencePiece's ways. Merges of a tokenizer with "▁" for blanks stand
/// beside scores made from them: with "quintet.tokenizer.merges_decide" we go by the merges, as the original
/// does; programs that know scores only may split rare words differently.
///
/// Throws Unsupported for what neither can say, naming it: a pre-tokenizer without a name in GGUF, other
/// tokens around a text than one before and one after it, …; InvalidArgument when there are more pieces than
/// `vocab_size`.
void write_gguf_tokenizer(GgufWriter& writer, const TokenizerData& data, std::size_t vocab_size);

}  // namespace quintet
