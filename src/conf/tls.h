// Purpose: "tls" and "client_tls" of a file as net::TlsSpec: numbers and names of versions, suites and groups judged,
// the reference's defaults filled in. Owner: the caller. Thread: control. Errors: as diagnostics; what cannot be spoken
// at all is an error, what is left out a warning. Files are not looked at (net/tls_files.h). Source: ledger 1
// sections 3.2 and 3.3.
#pragma once
#include <string_view>

#include "conf/config.h"
#include "net/tls_spec.h"

namespace gladius::conf {

net::TlsServerSpec tls_server_spec(const Tls& tls, Diagnostics& diagnostics);
// `where` begins the messages: "client_tls", "backend GET /a of endpoint GET /b: client_tls".
net::TlsClientSpec tls_client_spec(const ClientTls& tls, std::string_view where, Diagnostics& diagnostics);
// Without "client_tls": the versions that Go speaks by itself.
net::TlsClientSpec default_tls_client_spec();

}  // namespace gladius::conf
