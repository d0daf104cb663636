// Purpose: what contexts of both sides have in common: versions, suites, groups, modes. Owner: none. Thread: control.
// Errors: a sentence; none is expected of a spec that conf made.
#pragma once

#include "net/tls_files.h"
#include "net/tls_spec.h"

namespace gladius::net {

Result<void> apply_tls_spec(const TlsSpec& spec, SSL_CTX* ctx);
// Uses it for this context, which keeps its own references.
bool use_key(SSL_CTX* ctx, const ParsedKey& key);

}  // namespace gladius::net
