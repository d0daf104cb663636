// Purpose: static.Modifier: an answer from a file below a folder. Owner: none. Thread: a worker; a file is read at
// once, so this is for small files on local disks. Lifetime: what was read is in the answer's arena. Errors: 404 for a
// file that is not there; otherwise the words of Go's os package. A path never leads out of the folder: it is cleaned
// before it is joined. Source: google/martian's static modifier; Go path.Clean, mime.TypeByExtension.
#pragma once
#include <string>
#include <string_view>

#include "engine/draft.h"
#include "features/modifier_martian/program.h"

namespace gladius::features::martian {

void answer_with_file(const Modifier& m, engine::AnswerDraft& answer);

// Go's path.Clean.
std::string_view clean(std::string_view path, Arena& arena);
// By the name's ending; empty when it is not known.
std::string_view type_of(std::string_view path);

}  // namespace gladius::features::martian
