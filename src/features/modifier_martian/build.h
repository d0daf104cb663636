// Purpose: from the value of `modifier/martian` to a Program, reading it as Go's encoding/json fills the reference's
// structs: keys in any case, unknown keys ignored, null as nothing, and any value of another type the end of it all.
// Owner: the caller. Thread: control thread. Lifetime: a Program holds no part of the document. Errors: remarks;
// without a program the first of them says why. Source: google/martian parse.FromJSON and the constructors of each
// modifier; Go encoding/json.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "conf/node.h"
#include "features/modifier_martian/program.h"

namespace gladius::features::martian {

struct Remark {
    conf::Node at;
    std::string message;
    std::string advice;
};

struct Built {
    std::shared_ptr<const Program> program;
    std::vector<Remark> remarks;
};

Built build(const conf::Node& config);

}  // namespace gladius::features::martian
