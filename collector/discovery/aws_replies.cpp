#include "collector/discovery/aws_replies.h"

#include <algorithm>
#include <utility>

#include "collector/discovery/json_reader.h"
#include "collector/discovery/xml.h"
#include "core/labels.h"

namespace vedette::collector {
namespace {

std::string_view Stripped(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

void TakeProfileKey(std::string_view key, std::string value, AwsProfile& profile) {
  constexpr std::string_view kSources[] = {"role_arn", "credential_process", "sso_session", "sso_start_url"};
  if (key == "aws_access_key_id") {
    profile.credentials.access_key = std::move(value);
  } else if (key == "aws_secret_access_key") {
    profile.credentials.secret_key = Secret(std::move(value));
  } else if (key == "aws_session_token") {
    profile.credentials.session_token = Secret(std::move(value));
  } else if (key == "region") {
    profile.region = std::move(value);
  } else if (std::ranges::find(kSources, key) != std::end(kSources)) {
    profile.unknown_source = true;
  }
}

Result<AwsLease> LeaseOf(std::string access_key, std::string secret_key, std::string token,
                         const std::string& expiration) {
  if (access_key.empty() || secret_key.empty()) return Fail(Code::kBadData, "there are no credentials in the reply");
  AwsLease lease{{std::move(access_key), Secret(std::move(secret_key)), Secret(std::move(token))}, std::nullopt};
  if (!expiration.empty()) {
    VEDETTE_TRY(lease.expires, ParseTime(expiration));
  }
  return lease;
}

}  // namespace

AwsProfile ParseAwsProfile(std::string_view text, std::string_view profile, bool config) {
  const std::string wanted = config && profile != "default" ? fmt::format("profile {}", profile) : std::string(profile);
  AwsProfile found;
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = Stripped(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      inside = Stripped(line.substr(1, line.find(']') - 1)) == wanted;
      found.found = found.found || inside;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos || raw.front() == ' ' || raw.front() == '\t') continue;
    TakeProfileKey(Stripped(line.substr(0, equals)), std::string(Stripped(line.substr(equals + 1))), found);
  }
  return found;
}

Result<AwsLease> ParseAwsLease(std::string_view json) {
  JsonReader reader(json);
  const auto& root = reader.RootObject();
  const std::string code = reader.Text(root, "Code");
  auto lease = LeaseOf(reader.Text(root, "AccessKeyId"), reader.Text(root, "SecretAccessKey"),
                       reader.Text(root, "Token"), reader.Text(root, "Expiration"));
  VEDETTE_CHECK(reader.status());
  if (!code.empty() && code != "Success") return Fail(Code::kUnavailable, "no credentials: {}", code);
  return lease;
}

Result<AwsLease> ParseAssumedRole(std::string_view xml) {
  VEDETTE_TRY(const XmlElement reply, ParseXml(xml));
  for (const char* name : {"AssumeRoleResult", "AssumeRoleWithWebIdentityResult"}) {
    const XmlElement& result = reply[name];
    if (result.name.empty()) continue;
    const XmlElement& lease = result["Credentials"];
    return LeaseOf(lease["AccessKeyId"].text, lease["SecretAccessKey"].text, lease["SessionToken"].text,
                   lease["Expiration"].text);
  }
  return Fail(Code::kBadData, "the reply is a {} and no assumed role", Quote(reply.name));
}

Result<std::string> ParseIdentityRegion(std::string_view json) {
  JsonReader reader(json);
  std::string region = reader.Text(reader.RootObject(), "region");
  VEDETTE_CHECK(reader.status());
  if (region.empty()) return Fail(Code::kBadData, "the identity of this instance has no region");
  return region;
}

}  // namespace vedette::collector
