#include "alerting/notify/slack.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "alerting/notify/slack_text.h"
#include "alerting/notify/text_limits.h"

namespace vedette::alerting {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxHeader = 150, kMaxSection = 3000, kMaxFields = 10, kMaxField = 2000, kMaxButton = 75;
constexpr std::size_t kMaxActions = 25, kMaxLinkUrl = 600;
/// Under the measured 13,200 for everything, with room for what is not text (names of keys count as well).
constexpr std::size_t kMaxTotal = 10'000;
constexpr std::size_t kMaxNotice = 500, kMaxAlertLine = 220, kMaxListedAlerts = 20, kMaxBuiltInField = 200;

std::string_view Color(const Notification& n) {
  if (n.resolved()) return "#2eb886";
  switch (n.priority) {
    case Priority::kP0:
      return "#b80d57";
    case Priority::kP1:
      return "#e01e5a";
    case Priority::kP2:
      return "#ecb22e";
    case Priority::kP3:
      return "#36a2eb";
  }
  return "#ecb22e";
}

/// Builds the blocks of one message and keeps all texts together under Slack's total.
class Message {
 public:
  explicit Message(const BuildInput& input)
      : n_(input.notification), config_(std::get<SlackConfig>(input.config)), texts_(input.texts) {}

  json Build() {
    json body = json::object();
    body["text"] = Notice();
    json top = json::array();
    if (const std::string pretext = Configured(config_.pretext, kMaxSection); !pretext.empty())
      top.push_back(Section(pretext));
    top.push_back({{"type", "header"}, {"text", {{"type", "plain_text"}, {"text", Header()}, {"emoji", true}}}});
    body["blocks"] = std::move(top);
    json blocks = json::array();
    AddMain(blocks);
    AddFields(blocks);
    AddAlerts(blocks);
    AddLinks(blocks);
    AddActions(blocks);
    AddImage(blocks);
    AddContext(blocks);
    const std::string color = texts_.Or(config_.color, std::string(Color(n_)));
    json attachment = {{"color", CleanAndCut(color, 32)}, {"blocks", std::move(blocks)}};
    body["attachments"] = json::array({std::move(attachment)});
    AddOptional(body, "channel", config_.channel);
    AddOptional(body, "username", config_.username);
    AddOptional(body, "icon_emoji", config_.icon_emoji);
    AddOptional(body, "icon_url", config_.icon_url);
    return body;
  }

 private:
  std::size_t Take(std::size_t limit) const { return std::min(limit, left_); }
  std::string Spend(std::string text) {
    left_ -= std::min(left_, TextLength(text));
    return text;
  }
  /// Text of ours: escaped in full.
  std::string Escaped(std::string_view text, std::size_t limit) { return Spend(SlackEscape(text, Take(limit))); }
  /// Text of the user's configuration, mrkdwn as it stands; empty when there is none.
  std::string Configured(std::string_view text, std::size_t limit) {
    if (text.empty()) return {};
    return Spend(CleanAndCut(texts_.Or(text, ""), Take(limit)));
  }
  static json Section(const std::string& mrkdwn) {
    return {{"type", "section"}, {"text", {{"type", "mrkdwn"}, {"text", mrkdwn}}}};
  }

  /// What notifications and screen readers show instead of the blocks.
  std::string Notice() {
    const std::string own = Configured(config_.fallback, kMaxNotice);
    return !own.empty() ? own : Escaped(Headline(n_) + ": " + SummaryText(n_), kMaxNotice);
  }

  std::string Header() {
    const std::string title = texts_.Or(config_.title, "");
    std::string text = CleanAndCut(title.empty() ? Headline(n_) : title, kMaxHeader);
    std::replace(text.begin(), text.end(), '\n', ' ');
    // A configured title says nothing about the priority unless its author thought of it.
    if (!title.empty() && text.find(PriorityName(n_.priority)) == std::string::npos) {
      text = CutText(fmt::format("[{}] {}", PriorityName(n_.priority), text), kMaxHeader);
    }
    return Escaped(text, kMaxHeader);
  }

  void AddMain(json& blocks) {
    std::string text = Configured(config_.text, kMaxSection);
    if (text.empty()) {
      text = fmt::format("*{}*", Escaped(SummaryText(n_), 600));
      const std::string_view description = n_.common_annotations.Get("description");
      if (!description.empty() && description != SummaryText(n_)) text += "\n" + Escaped(description, 1500);
    }
    text += "\n_" + Escaped(WhyText(n_), 600) + "_";
    json section = Section(CutText(text, kMaxSection));
    if (const std::string url = Url(config_.thumb_url); !url.empty()) {
      section["accessory"] = {{"type", "image"}, {"image_url", url}, {"alt_text", "picture of the alert"}};
    }
    blocks.push_back(std::move(section));
    if (const std::string url = Url(config_.title_link); !url.empty()) {
      blocks.push_back(Section(fmt::format("<{}|Open>", SlackEscape(url, kMaxLinkUrl))));
    }
  }

  void AddFields(json& blocks) {
    json fields = json::array();
    const auto add = [&](const std::string& title, const std::string& value) {
      if (fields.size() < kMaxFields && !value.empty()) {
        fields.push_back({{"type", "mrkdwn"}, {"text", CutText("*" + title + "*\n" + value, kMaxField)}});
      }
    };
    if (!config_.fields.empty()) {
      for (const SlackField& field : config_.fields) {
        add(Configured(field.title, 200), Configured(field.value, kMaxField - 210));
      }
    } else {
      for (const LabelView label : n_.common_labels) {
        if (label.name == "alertname") continue;
        add(Escaped(label.name, 100), Escaped(label.value, kMaxBuiltInField));
      }
    }
    if (!fields.empty()) blocks.push_back({{"type", "section"}, {"fields", std::move(fields)}});
  }

  void AddAlerts(json& blocks) {
    if (!config_.text.empty()) return;  // the user's text says what there is to say
    std::string text;
    std::size_t shown = 0;
    for (const IncidentAlert& alert : n_.alerts) {
      const std::string line = "\xE2\x80\xA2 " + SlackEscape(AlertLine(n_, alert), kMaxAlertLine) + "\n";
      if (shown == kMaxListedAlerts || TextLength(text) + TextLength(line) > Take(kMaxSection - 100)) break;
      text += line;
      ++shown;
    }
    const std::size_t more = n_.alerts.size() - shown + n_.omitted;
    if (more > 0) text += fmt::format("and {} more", more);
    if (!text.empty()) blocks.push_back(Section(Spend(text)));
  }

  void AddLinks(json& blocks) {
    std::string text;
    for (const NotificationLink& link : LinksOf(n_, kMaxLinkUrl)) {
      if (!text.empty()) text += " \xC2\xB7 ";
      text += fmt::format("<{}|{}>", SlackEscape(link.url, 2 * kMaxLinkUrl), link.text);
    }
    if (!text.empty() && TextLength(text) <= Take(kMaxSection)) blocks.push_back(Section(Spend(text)));
  }

  void AddActions(json& blocks) {
    json elements = json::array();
    for (const SlackAction& action : config_.actions) {
      const std::string url = Url(action.url);
      const std::string label = CleanAndCut(texts_.Or(action.text, "Open"), kMaxButton);
      if (url.empty() || label.empty() || elements.size() == kMaxActions) continue;
      json button = {{"type", "button"}, {"text", {{"type", "plain_text"}, {"text", label}}}, {"url", url}};
      if (action.style == "primary" || action.style == "danger") button["style"] = action.style;
      elements.push_back(std::move(button));
      left_ -= std::min(left_, label.size() + url.size());
    }
    if (!elements.empty()) blocks.push_back({{"type", "actions"}, {"elements", std::move(elements)}});
  }

  void AddImage(json& blocks) {
    const std::string url = Url(config_.image_url);
    if (!url.empty()) blocks.push_back({{"type", "image"}, {"image_url", url}, {"alt_text", "picture of the alert"}});
  }

  void AddContext(json& blocks) {
    json elements = json::array();
    const auto add = [&](const std::string& text) {
      if (!text.empty()) elements.push_back({{"type", "mrkdwn"}, {"text", text}});
    };
    add(Escaped(fmt::format("Incident #{} \xC2\xB7 {}", n_.number, n_.incident_id), 200));
    add(Escaped(TimesText(n_), 200));
    add(Configured(config_.footer, 300));
    if (!texts_.problems().empty()) add(Escaped("A configured text was left out: " + texts_.problems().front(), 400));
    blocks.push_back({{"type", "context"}, {"elements", std::move(elements)}});
  }

  std::string Url(std::string_view configured) {
    if (configured.empty()) return {};
    std::string url = texts_.Or(configured, "");
    return IsWebUrl(url) && url.size() <= kMaxLinkUrl ? url : std::string();
  }

  void AddOptional(json& body, const char* key, std::string_view configured) {
    const std::string text = configured.empty() ? std::string() : CleanAndCut(texts_.Or(configured, ""), 256);
    if (!text.empty()) body[key] = text;
  }

  const Notification& n_;
  const SlackConfig& config_;
  Texts& texts_;
  std::size_t left_ = kMaxTotal;
};

/// Slack's error names: lower case with underscores ("invalid_payload", "channel_is_archived").
bool IsErrorName(std::string_view body) {
  return body.size() <= 64 && body.find('_') != std::string_view::npos &&
         std::all_of(body.begin(), body.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

}  // namespace

Result<HttpRequest> BuildSlack(const BuildInput& input) {
  HttpRequest request;
  request.method = "POST";
  request.url = input.secret.Reveal();
  request.headers.emplace_back("Content-Type", "application/json; charset=utf-8");
  request.body = Message(input).Build().dump(-1, ' ', false, json::error_handler_t::replace);
  return request;
}

Verdict ClassifySlack(const HttpResponse& response, TimeMs now) {
  Verdict verdict = ClassifyStatus(response, now);
  if (verdict.outcome != Outcome::kDelivered) return verdict;
  std::string error;
  const json body = json::parse(response.body, nullptr, false);
  if (body.is_object() && body.contains("ok") && body["ok"] == false) {
    error = body.contains("error") && body["error"].is_string() ? body["error"].get<std::string>() : "not ok";
    if (body.contains("retry_after") && body["retry_after"].is_number()) {
      verdict.retry_after = ParseRetryAfter(body["retry_after"].dump(), now);
    }
  } else if (IsErrorName(response.body)) {
    error = response.body;
  }
  if (error.empty()) return verdict;
  const bool later = error == "ratelimited" || error == "rate_limited" || error == "rollup_error" ||
                     error == "service_unavailable" || error == "internal_error" || error == "fatal_error";
  verdict.outcome = later ? Outcome::kRetry : Outcome::kPermanent;
  verdict.detail = fmt::format("HTTP {}: {}", response.status, BodyExcerpt(error));
  if (const auto header = ParseRetryAfter(response.Header("Retry-After"), now)) verdict.retry_after = header;
  return verdict;
}

}  // namespace vedette::alerting
