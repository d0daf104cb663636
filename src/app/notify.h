// Purpose: tells systemd about the state of the service (sd_notify protocol: one datagram to $NOTIFY_SOCKET). Thread:
// any. Errors: none; without the variable nothing happens.
#pragma once
#include <string_view>
namespace gladius::app {
void notify_service_manager(std::string_view state);  // "READY=1"
void notify_reloading();                              // with the time that Type=notify-reload asks for
}  // namespace gladius::app
