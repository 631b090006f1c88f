#include "collector/push/otlp/receiver.h"

#include <algorithm>

#include "collector/media_type.h"
#include "collector/push/otlp/answer.h"
#include "collector/push/otlp/model.h"
#include "collector/push/otlp/translator.h"
#include "collector/push/unpack.h"

namespace vedette::collector {
namespace {

constexpr std::string_view kOtlpProtobuf = "application/x-protobuf", kOtlpJson = "application/json";

}  // namespace

OtlpReceiver::OtlpReceiver(Intake& intake, const OtlpOptions& options, Millis lookback)
    : intake_(intake), lookback_(lookback), options_(std::make_shared<const OtlpOptions>(options)) {}

void OtlpReceiver::Apply(const OtlpOptions& options) {
  auto next = std::make_shared<const OtlpOptions>(options);
  const std::lock_guard lock(mutex_);
  options_ = std::move(next);
}

std::shared_ptr<const OtlpOptions> OtlpReceiver::Options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

OtlpReceiver::Answer OtlpReceiver::Ingest(std::string_view body, std::string_view content_type,
                                          std::string_view content_encoding) {
  const std::string media = MediaType(content_type);
  const bool json = media == kOtlpJson;
  if (!json && media != kOtlpProtobuf) {
    return {400, "text/plain; charset=utf-8",
            fmt::format("unsupported content type: {}, supported: [{}, {}]\n", content_type.substr(0, 200), kOtlpJson,
                        kOtlpProtobuf)};
  }
  const std::shared_ptr<const OtlpOptions> options = Options();
  PushBatch batch(intake_, PushProtocol::kOtlp);
  otlp::Translator translator(intake_, batch, *options, lookback_);
  const auto read = [&]() -> Status {
    std::string buffer;
    std::string_view plain;
    VEDETTE_CHECK(UnpackBody(body, content_encoding, intake_.options().max_decoded_bytes, batch, buffer, plain));
    return json ? otlp::ReadJson(plain, translator) : otlp::ReadProtobuf(plain, translator);
  };
  const Status unreadable = read();
  const PushOutcome outcome = batch.Finish(unreadable);
  Answer answer{PushHttpStatus(outcome.status, 200), std::string(json ? kOtlpJson : kOtlpProtobuf), {}};
  const bool some = translator.taken() > 0 && outcome.samples + outcome.histograms > 0;
  if (answer.status == 400 && unreadable && some) answer.status = 200;
  const std::string why = outcome.status ? "" : outcome.status.error().message;
  answer.body = answer.status == 200 ? otlp::SuccessBody(json, std::max(translator.refused(), outcome.dropped), why)
                                     : otlp::ErrorBody(json, answer.status, why);
  return answer;
}

}  // namespace vedette::collector
