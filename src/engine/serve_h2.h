// Purpose: a client connection that speaks HTTP/2: reads it, starts an exchange for every stream, writes what the
// streams have to say once a turn. Owner: the connection's coroutine (client.cc). Thread: one worker. Lifetime: an
// H2Connection lives in serve_h2(), and ends after its last exchange. Errors: what the client does wrong ends its
// streams or its connection; see proto/h2_server.h. Source: RFC 9113; Go's server for times and limits; x/net's h2c for
// the two ways to begin without TLS.
#pragma once
#include <string_view>

#include "engine/exchange.h"

namespace gladius::engine {

// Serves the connection to its end. `first` was read already: the preface and what followed it; empty after TLS said
// "h2". True: the client may still be sending, close with care.
rt::Task<bool> serve_h2(ClientConn& c, std::string_view first);

// The request asks to go on as HTTP/2 (RFC 7540 section 3.2, which RFC 9113 has given up; the reference has it).
bool asks_for_h2c(const Exchange& ex);
enum class H2Upgrade : uint8_t {
    refused,  // and answered: the connection goes on as it was
    failed,   // the body could not be read: close
    served    // as HTTP/2, to its end
};
// The request becomes the first stream of the connection.
rt::Task<H2Upgrade> upgrade_to_h2c(Exchange& ex);

// No new requests; those that run end as usual, then the connection closes.
void drain(H2Connection& h);

}  // namespace gladius::engine
