// Any bytes as a stored row of the alert router: refused, or read, written and read again to the same text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "alerting/incident/incident_codec.h"
#include "alerting/notify/outbox.h"
#include "alerting/notify/reply.h"
#include "alerting/route/group.h"
#include "alerting/route/matchers.h"

namespace {

template <class Codec>
void Check(std::string_view bytes) {
  const auto row = Codec::Decode(bytes);
  if (!row) return;
  const std::string written = Codec::Encode(*row);
  const auto again = Codec::Decode(written);
  if (!again || Codec::Encode(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vedette::alerting;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      Check<IncidentCodec>(bytes);
      break;
    case 1:
      Check<IncidentAlertCodec>(bytes);
      break;
    case 2:
      Check<NotificationGroup>(bytes);
      break;
    case 3:
      Check<DeliveryCodec>(bytes);
      break;
    case 4:
      (void)ParseMatchers(bytes);
      break;
    default:
      (void)ParseRetryAfter(bytes, vedette::TimeMs(1'700'000'000'000));
  }
  return 0;
}
