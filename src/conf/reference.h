// Purpose: the names that may stand in braces in the values of "gladius/call" (docs/flow.md): what a later call can
// know of the request and of earlier answers. Owner: none. Thread: any. Lifetime: views into the name. Errors: kind
// none.
//   {resp0_user.id}  {resp0.status}  {resp0.header.X-Total}  {input_headers.X-Tenant}  {input_query_strings.q}
//   {each}  {each.id}  {id}, a parameter of the path
#pragma once
#include <cstdint>
#include <string_view>

namespace gladius::conf {

struct Reference {
    enum class Kind : uint8_t {
        none,
        param,   // of the endpoint's path; whether it has it is somebody else's question
        field,   // of an earlier answer, after its filters
        status,  // of an earlier answer
        header,  // of an earlier answer
        client_header,
        client_query,
        each,  // the element of "foreach"
    };
    Kind kind = Kind::none;
    uint32_t backend = 0;   // field, status, header
    std::string_view path;  // field and each: names with dots between them; else the name
};

Reference parse_reference(std::string_view name);

}  // namespace gladius::conf
