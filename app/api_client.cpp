#include "app/api_client.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <thread>

#include "core/numbers.h"
#include "core/url.h"

namespace vedette::app {
namespace {

namespace net = boost::asio;
using nlohmann::json;

promql::Point ReadPoint(const json& pair) {
  const auto value = ParseFloat(pair.at(1).get_ref<const std::string&>());
  return {.time_ms = std::llround(pair.at(0).get<double>() * 1000), .value = value.value_or(NormalNan())};
}

promql::ResultSeries ReadSeries(const json& item) {
  LabelsBuilder labels;
  for (const auto& [name, value] : item.at("metric").items()) labels.Set(name, value.get_ref<const std::string&>());
  promql::ResultSeries series{.labels = labels.Build(), .points = {}};
  if (item.contains("value")) series.points.push_back(ReadPoint(item.at("value")));
  if (item.contains("values")) {
    for (const json& pair : item.at("values")) series.points.push_back(ReadPoint(pair));
  }
  return series;
}

promql::QueryValue ReadValue(const json& data) {
  promql::QueryValue out;
  const std::string type = data.at("resultType");
  const json& result = data.at("result");
  if (type == "string") {
    out.type = promql::ValueType::kString;
    out.text = result.at(1);
  } else if (type == "scalar") {
    out.type = promql::ValueType::kScalar;
    out.series.push_back({.labels = {}, .points = {ReadPoint(result)}});
  } else {
    out.type = type == "vector" ? promql::ValueType::kVector : promql::ValueType::kMatrix;
    for (const json& item : result) out.series.push_back(ReadSeries(item));
  }
  return out;
}

std::string Encode(const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", PercentEncode(name), PercentEncode(value));
  }
  return out;
}

}  // namespace

struct ApiClient::Impl {
  std::string server;
  net::io_context io;
  net::executor_work_guard<net::io_context::executor_type> work{io.get_executor()};
  std::thread thread{[this] { io.run(); }};

  /// Errors as Post().
  Result<HttpResponse> Send(HttpRequest request);

  ~Impl() {
    work.reset();
    io.stop();
    thread.join();
  }
};

ApiClient::ApiClient(std::string server) : impl_(std::make_unique<Impl>()) {
  while (server.ends_with('/')) server.pop_back();
  impl_->server = std::move(server);
}

ApiClient::~ApiClient() = default;

Result<std::string> ApiClient::Post(std::string_view endpoint,
                                    const std::vector<std::pair<std::string, std::string>>& parameters) {
  HttpRequest request;
  request.url = fmt::format("{}/api/v1/{}", impl_->server, endpoint);
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = Encode(parameters);
  request.timeout = std::chrono::minutes(2);
  VEDETTE_TRY(HttpResponse response, impl_->Send(std::move(request)));
  return std::move(response.body);
}

Result<HttpResponse> ApiClient::Send(std::string_view endpoint,
                                     const std::vector<std::pair<std::string, std::string>>& parameters,
                                     std::string body, Millis timeout) {
  HttpRequest request;
  request.url = fmt::format("{}/api/v1/{}?{}", impl_->server, endpoint, Encode(parameters));
  request.headers.emplace_back("Content-Type", "text/plain");
  request.body = std::move(body);
  request.timeout = timeout;
  return impl_->Send(std::move(request));
}

Result<HttpResponse> ApiClient::Impl::Send(HttpRequest request) {
  request.method = "POST";
  VEDETTE_TRY(const auto client, HttpClient::Create(io, {}));
  VEDETTE_TRY(HttpResponse response, client->Send(std::move(request)));
  if (response.status / 100 == 2) return response;
  const json reply = json::parse(response.body, nullptr, false);
  if (reply.is_object() && reply.contains("error")) {
    return Fail(Code::kExecution, "{}: {}", reply.value("errorType", "error"), reply.value("error", ""));
  }
  return Fail(Code::kExecution, "{} answered {}: {}", server, response.status, response.body.substr(0, 200));
}

analytics::RangeQuery ApiClient::Query() {
  return [this](std::string_view expr, TimeMs start, TimeMs end, Millis step) -> Result<promql::QueryOutcome> {
    VEDETTE_TRY(const std::string reply, Post("query_range", {{"query", std::string(expr)},
                                                              {"start", FormatFixed(start.Seconds())},
                                                              {"end", FormatFixed(end.Seconds())},
                                                              {"step", fmt::format("{}ms", step.count())}}));
    promql::QueryOutcome outcome;
    VEDETTE_TRY(outcome.value, ParseQueryData(reply));
    return outcome;
  };
}

Result<promql::QueryValue> ParseQueryData(std::string_view reply) {
  try {
    return ReadValue(json::parse(reply).at("data"));
  } catch (const json::exception& error) {
    return Fail(Code::kBadData, "the answer is not that of a Prometheus API: {}", error.what());
  }
}

}  // namespace vedette::app
