// Purpose: which characters Go prints as they are (strconv.IsPrint): Unicode letters, marks, numbers, punctuation,
// symbols and the space. Owner: static. Thread: any. Lifetime: the process. Errors: none.
#pragma once
#include <cstdint>

namespace gladius {

bool printable(uint32_t rune);

}  // namespace gladius
