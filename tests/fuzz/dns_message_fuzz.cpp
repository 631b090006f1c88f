// Any bytes as a DNS reply and as a D-Bus message: no crash, no hang, and text of bounded size.
#include <cstdlib>

#include "collector/host/dbus.h"
#include "collector/probe/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto reply = vedette::collector::ParseProbeDnsReply(bytes)) {
    constexpr std::size_t kMaxRecordText = 1 << 19;
    for (const auto* section : {&reply->answer, &reply->authority, &reply->additional}) {
      for (const auto& record : *section) {
        if (record.text.size() > kMaxRecordText) std::abort();
      }
    }
  }
  if (const auto message = vedette::collector::ParseDbusMessage(bytes); message && *message) {
    auto reader = (*message)->reply.Reader();
    while (reader.String()) {
    }
  }
  return 0;
}
